#include <cstddef>
#include <cstdint>
#include <string_view>

#include "warehouse/dqdl.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto rules = feedmill::warehouse::ParseDqdl("x.dqdl", std::string_view(reinterpret_cast<const char*>(data), size));
  if (!rules) return 0;
  for (const auto& rule : *rules) {
    if (rule.line < 1) __builtin_trap();
    if (rule.condition) (void)feedmill::warehouse::Holds(*rule.condition, 1.0);
  }
  return 0;
}
