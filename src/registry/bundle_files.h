// Names of the files of a bundle folder (docs/formats/bundle.md), shared by who builds bundles and who opens them.
#pragma once

#include <string>
#include <string_view>

namespace feedmill::registry {

inline constexpr const char* kPostsFile = "posts.flat";
inline constexpr const char* kUsersFile = "users.flat";
inline constexpr const char* kI2iFile = "i2i.lists";
inline constexpr const char* kU2uFile = "u2u.lists";
inline constexpr const char* kTrendingFile = "trending.lists";
inline constexpr const char* kFeaturesFile = "features.toml";  // the definitions the models were trained on
inline constexpr const char* kVectorField = "vector";          // of posts.flat and users.flat: float32 x dimension

inline std::string ModelFile(std::string_view action) { return "rank_" + std::string(action) + ".model"; }
// A bundle is judged by one action, tonight and once more beside the next night's. Its model as it was measured:
// trained like the one that serves, without the later slice.
inline constexpr std::string_view kTwinPrefix = "twin_";
inline std::string TwinFile(std::string_view action) {
  return std::string(kTwinPrefix) + std::string(action) + ".model";
}

}  // namespace feedmill::registry
