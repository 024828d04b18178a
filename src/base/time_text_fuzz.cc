// Any text as a time: what is read is written as a text that is read again as the same time.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text_encoding.h"
#include "base/time_text.h"
#include "base/units.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto time = feedmill::ParseTime(text)) {
    // A zone may push the last and first days out of the years that have four digits.
    auto again = feedmill::ParseTime(feedmill::FormatTime(*time));
    if (again && *again != *time) std::abort();
  }
  (void)feedmill::ParseDuration(text);
  (void)feedmill::ParseByteSize(text);
  (void)feedmill::Base64Decode(text);
  (void)feedmill::PercentDecode(text);
  std::string json;
  feedmill::AppendJsonString(text, &json);
  return 0;
}
