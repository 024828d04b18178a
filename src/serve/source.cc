#include "serve/source.h"

#include <array>

namespace feedmill::serve {
namespace {

constexpr std::array<std::string_view, kSourceCount> kNames = {
    "in_network", "i2i", "u2u", "vector", "trending", "fresh", "random", "exploration", "fallback"};

}  // namespace

std::string_view SourceName(Source source) { return kNames[static_cast<size_t>(source)]; }

std::optional<Source> ChannelFromName(std::string_view name) {
  for (size_t i = 0; i < kChannelCount; ++i) {
    if (kNames[i] == name) return static_cast<Source>(i);
  }
  return std::nullopt;
}

}  // namespace feedmill::serve
