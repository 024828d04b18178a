#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "serve/scene.h"

// Any text is a scene or an error that names the file; no other end.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto scene = feedmill::serve::ParseScene(text, "fuzz.toml", "fuzz", *feedmill::domain::LegacyDomain());
  if (!scene && scene.error().message().find("fuzz.toml") == std::string::npos) std::abort();
  return 0;
}
