// An opened, verified bundle: immutable, shared by the requests in flight, replaced as a whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "features/feature_set.h"
#include "index/vector_index.h"
#include "io/file_system.h"
#include "model/tree_model.h"
#include "registry/registry.h"
#include "store/candidate_lists.h"
#include "store/flat_table.h"

namespace feedmill::serve {

// Files of a bundle folder.
inline constexpr const char* kPostsFile = "posts.flat";  // field "vector": float32 x dimension
inline constexpr const char* kUsersFile = "users.flat";  // field "vector": float32 x dimension
inline constexpr const char* kI2iFile = "i2i.lists";
inline constexpr const char* kU2uFile = "u2u.lists";
inline constexpr const char* kTrendingFile = "trending.lists";
inline constexpr const char* kFeaturesFile = "features.toml";  // the definitions the models were trained on
// "rank_<action>.model": LightGBM text model of one action

struct ActionModel {
  std::string action;  // "click", "like", ...
  std::unique_ptr<model::TreeModel> trees;
  double slope = 1;
  double intercept = 0;
  double weight = 0;
};

struct Bundle {
  registry::BundleManifest manifest;
  features::FeatureSet feature_set;
  std::unique_ptr<store::FlatTable> posts;
  std::unique_ptr<store::FlatTable> users;
  std::vector<float> vectors;                      // of `posts`, packed; what post_index reads
  std::unique_ptr<index::VectorIndex> post_index;  // row numbers are rows of `posts`; null when there are none
  std::unique_ptr<store::CandidateLists> i2i;
  std::unique_ptr<store::CandidateLists> u2u;
  std::unique_ptr<store::CandidateLists> trending;
  std::vector<ActionModel> actions;
};

// A part whose file the manifest does not list stays null: its channel brings nothing. Refuses a bundle whose files
// fail their checksum or whose models were trained on other features, naming what was found and expected.
Result<std::shared_ptr<const Bundle>> OpenBundle(io::FileSystem& files, const std::string& folder,
                                                 domain::DomainPtr domain);

}  // namespace feedmill::serve
