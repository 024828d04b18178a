// Any bytes as a configuration: parsing and loading end without harm.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto document = feedmill::ParseToml("fuzz.toml", {reinterpret_cast<const char*>(data), size});
  if (!document) return 0;
  int64_t number = 0;
  feedmill::Micros time = 0;
  uint64_t bytes = 0;
  std::string text;
  std::vector<std::string> list;
  feedmill::Settings settings;
  auto section = settings.Section("a");
  section.Integer("number", &number, {0, 100}, "");
  section.Duration("time", &time, {}, "");
  section.ByteSize("bytes", &bytes, {}, "");
  section.Text("text", &text, "");
  section.TextList("list", &list, "");
  (void)settings.Load(*document);
  (void)settings.Explain();
  return 0;
}
