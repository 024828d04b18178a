// Any bytes as a domain: reading ends without harm, and what is read can be used.
#include <cstdint>
#include <string_view>

#include "domain/event_meanings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto domain = feedmill::domain::ParseDomain("fuzz.toml", {reinterpret_cast<const char*>(data), size});
  if (!domain) return 0;
  const feedmill::domain::EventMeanings meanings(**domain);
  for (const auto& action : (*domain)->actions) {
    if (meanings.Find(action.events.front()) == nullptr) __builtin_trap();
    if (!(action.Weight(1e300) <= action.value_max)) __builtin_trap();
  }
  return 0;
}
