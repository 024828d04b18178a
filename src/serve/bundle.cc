#include "serve/bundle.h"

#include <filesystem>
#include <map>

#include "serve/user_vector.h"

namespace feedmill::serve {
namespace {

constexpr std::string_view kModelPrefix = "rank_";
constexpr std::string_view kModelSuffix = ".model";

bool Listed(const registry::BundleManifest& manifest, std::string_view name) {
  for (const registry::BundleFile& file : manifest.files) {
    if (file.name == name) return true;
  }
  return false;
}

// The action of "rank_click.model", empty for other files.
std::string ActionOf(const std::string& name) {
  if (!name.starts_with(kModelPrefix) || !name.ends_with(kModelSuffix)) return "";
  return name.substr(kModelPrefix.size(), name.size() - kModelPrefix.size() - kModelSuffix.size());
}

// A model is used only over the columns it was trained on, in their order.
Status CheckFeatures(const std::string& path, const model::TreeModel& trees, const features::FeatureSet& set) {
  if (trees.feature_count() != set.features.size()) {
    return Corrupt("{}: trained on {} features, the bundle's {} defines {}", path, trees.feature_count(), kFeaturesFile,
                   set.features.size());
  }
  for (size_t i = 0; i < set.features.size(); ++i) {
    if (trees.feature_names()[i] != set.features[i].name) {
      return Corrupt("{}: feature {} is \"{}\", the bundle's {} says \"{}\"", path, i, trees.feature_names()[i],
                     kFeaturesFile, set.features[i].name);
    }
  }
  return Ok();
}

Result<ActionModel> OpenAction(io::FileSystem& files, const std::string& path, const std::string& action,
                               const Bundle& bundle) {
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, path));
  ActionModel opened;
  opened.action = action;
  auto trees = model::ParseLightGbmModel(text);
  if (!trees) return std::unexpected(trees.error().WithContext(path));
  opened.trees = std::move(*trees);
  FEEDMILL_TRY(CheckFeatures(path, *opened.trees, bundle.feature_set));
  const auto weight = bundle.manifest.action_weights.find(action);
  if (weight == bundle.manifest.action_weights.end()) {
    return Corrupt("{}: the manifest has no weight for action \"{}\"", path, action);
  }
  opened.weight = weight->second;
  const auto calibration = bundle.manifest.calibration.find(action);
  if (calibration != bundle.manifest.calibration.end()) {
    std::tie(opened.slope, opened.intercept) = calibration->second;
  }
  return opened;
}

Status OpenActions(io::FileSystem& files, const std::string& folder, Bundle* bundle) {
  for (const registry::BundleFile& file : bundle->manifest.files) {
    const std::string action = ActionOf(file.name);
    if (action.empty()) continue;
    FEEDMILL_ASSIGN(ActionModel opened, OpenAction(files, folder + "/" + file.name, action, *bundle));
    bundle->actions.push_back(std::move(opened));
  }
  return Ok();
}

// Dimension of the table's vector field.
Result<uint32_t> VectorDimension(const std::string& path, const store::FlatTable& table) {
  for (const store::FlatField& field : table.fields()) {
    if (field.name == kVectorField && field.type == store::FieldType::kFloat32) return field.count;
  }
  return Corrupt("{}: has no float field \"{}\"", path, kVectorField);
}

// Rows may hold more than the vector, so the index gets a packed copy when they do.
Status BuildIndex(const std::string& path, Bundle* bundle) {
  const store::FlatTable& posts = *bundle->posts;
  FEEDMILL_ASSIGN(const uint32_t dimension, VectorDimension(path, posts));
  FEEDMILL_ASSIGN(const size_t offset, posts.FieldOffset(kVectorField, store::FieldType::kFloat32, dimension));
  bundle->vectors.resize(posts.row_count() * dimension);
  for (size_t row = 0; row < posts.row_count(); ++row) {
    const float* vector = reinterpret_cast<const float*>(posts.Row(static_cast<int64_t>(row)) + offset);
    std::copy(vector, vector + dimension, bundle->vectors.begin() + static_cast<std::ptrdiff_t>(row * dimension));
  }
  FEEDMILL_ASSIGN(bundle->post_index, index::BuildVectorIndex(bundle->vectors, dimension));
  return Ok();
}

Status OpenVectors(io::FileSystem& files, const std::string& folder, Bundle* bundle) {
  if (Listed(bundle->manifest, kPostsFile)) {
    const std::string path = folder + "/" + kPostsFile;
    FEEDMILL_ASSIGN(bundle->posts, store::OpenFlatTable(files, path));
    if (bundle->posts->row_count() > 0) FEEDMILL_TRY(BuildIndex(path, bundle));
  }
  if (!Listed(bundle->manifest, kUsersFile)) return Ok();
  const std::string path = folder + "/" + kUsersFile;
  FEEDMILL_ASSIGN(bundle->users, store::OpenFlatTable(files, path));
  FEEDMILL_ASSIGN(const uint32_t dimension, VectorDimension(path, *bundle->users));
  if (bundle->post_index != nullptr && dimension != bundle->post_index->dimension()) {
    return Corrupt("{}: vectors have {} numbers, those of {} have {}", path, dimension, kPostsFile,
                   bundle->post_index->dimension());
  }
  return Ok();
}

Status OpenLists(io::FileSystem& files, const std::string& folder, Bundle* bundle) {
  const std::pair<const char*, std::unique_ptr<store::CandidateLists>*> lists[] = {
      {kI2iFile, &bundle->i2i}, {kU2uFile, &bundle->u2u}, {kTrendingFile, &bundle->trending}};
  for (const auto& [name, target] : lists) {
    if (!Listed(bundle->manifest, name)) continue;
    FEEDMILL_ASSIGN(*target, store::OpenCandidateLists(files, folder + "/" + name));
  }
  return Ok();
}

}  // namespace

Result<std::shared_ptr<const Bundle>> OpenBundle(io::FileSystem& files, const std::string& folder,
                                                 domain::DomainPtr domain) {
  auto bundle = std::make_shared<Bundle>();
  FEEDMILL_ASSIGN(bundle->manifest, registry::VerifyBundle(files, folder));
  if (!Listed(bundle->manifest, kFeaturesFile)) return Corrupt("{}: the manifest lists no {}", folder, kFeaturesFile);
  FEEDMILL_ASSIGN(bundle->feature_set, features::LoadFeatureSet(files, folder, std::move(domain)));
  if (bundle->feature_set.hash != bundle->manifest.feature_set_hash) {
    return Corrupt("{}/{}: its features hash to {}, the models were trained on {}", folder, kFeaturesFile,
                   bundle->feature_set.hash, bundle->manifest.feature_set_hash);
  }
  FEEDMILL_TRY(OpenVectors(files, folder, bundle.get()));
  FEEDMILL_TRY(OpenLists(files, folder, bundle.get()));
  FEEDMILL_TRY(OpenActions(files, folder, bundle.get()));
  return bundle;
}

}  // namespace feedmill::serve
