// Where a feed's item came from: the recall channels, and the two places later stages add items from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace feedmill::serve {

enum class Source : uint8_t { kInNetwork, kI2i, kU2u, kVector, kTrending, kFresh, kRandom, kExploration, kFallback };

inline constexpr int kChannelCount = 7;  // the first seven are recall channels
inline constexpr int kSourceCount = 9;

// "in_network", "i2i", ...: the names in scenes, answers and metrics.
std::string_view SourceName(Source source);
std::optional<Source> ChannelFromName(std::string_view name);

using SourceSet = uint16_t;  // bit i = Source i
constexpr SourceSet SourceBit(Source source) { return static_cast<SourceSet>(1u << static_cast<unsigned>(source)); }

}  // namespace feedmill::serve
