#include "train/work_folder.h"

#include <cstring>

#include <nlohmann/json.hpp>

#include "registry/bundle_files.h"
#include "store/flat_table.h"

namespace feedmill::train {
namespace {

using Json = nlohmann::json;

Status StartPart(io::FileSystem& files, const std::string& part) {
  FEEDMILL_TRY(files.RemoveAll(part));
  return files.CreateDirectories(part);
}

Status WriteSummary(io::FileSystem& files, const std::string& part, const StepSummary& summary) {
  const Json json = {{"metrics", summary.metrics},
                     {"action_weights", summary.action_weights},
                     {"calibration", summary.calibration},
                     {"feature_set_hash", summary.feature_set_hash},
                     {"compared_to", summary.compared_to}};
  return io::WriteFileAtomically(files, part + "/" + kSummaryFile, json.dump(1) + "\n");
}

Status WriteVectors(io::FileSystem& files, const std::string& path, const std::vector<std::string>& ids,
                    const std::vector<float>& vectors, uint32_t dimension) {
  FEEDMILL_ASSIGN(const auto writer,
                  store::CreateFlatTable(files, path, {{registry::kVectorField, store::FieldType::kFloat32, dimension}},
                                         ids.size()));
  for (size_t row = 0; row < ids.size(); ++row) {
    FEEDMILL_TRY(writer->Add(ids[row], std::as_bytes(std::span(vectors).subspan(row * dimension, dimension))));
  }
  return writer->Finish();
}

}  // namespace

Status WriteRankPart(io::FileSystem& files, const std::string& folder, const RankResult& result,
                     const features::FeatureSet& set, const std::string& compared_to) {
  const std::string part = folder + "/rank";
  FEEDMILL_TRY(StartPart(files, part));
  StepSummary summary = {.metrics = result.metrics,
                         .action_weights = {},
                         .calibration = {},
                         .feature_set_hash = set.hash,
                         .compared_to = compared_to};
  for (const RankedAction& action : result.actions) {
    FEEDMILL_TRY(io::WriteFileAtomically(files, part + "/" + registry::ModelFile(action.action), action.model_text));
    if (&action == &result.actions.front())
      FEEDMILL_TRY(io::WriteFileAtomically(files, part + "/" + registry::TwinFile(action.action), action.twin_text));
    summary.action_weights[action.action] = action.weight;
    summary.calibration[action.action] = {action.calibration.slope, action.calibration.intercept};
  }
  FEEDMILL_TRY(io::WriteFileAtomically(files, part + "/" + registry::kFeaturesFile, features::FormatFeatureSet(set)));
  return WriteSummary(files, part, summary);
}

Status WriteRecallPart(io::FileSystem& files, const std::string& folder, const RecallResult& result) {
  const std::string part = folder + "/als";
  FEEDMILL_TRY(StartPart(files, part));
  if (!result.posts.empty() && !result.users.empty()) {
    const uint32_t dimension = result.model.dimension;
    FEEDMILL_TRY(WriteVectors(files, part + "/" + registry::kPostsFile, result.posts, result.model.items, dimension));
    FEEDMILL_TRY(WriteVectors(files, part + "/" + registry::kUsersFile, result.users, result.model.users, dimension));
  }
  return WriteSummary(
      files, part,
      {.metrics = result.metrics, .action_weights = {}, .calibration = {}, .feature_set_hash = "", .compared_to = ""});
}

Result<StepSummary> ReadSummary(io::FileSystem& files, const std::string& folder, const std::string& part) {
  const std::string path = folder + "/" + part + "/" + kSummaryFile;
  FEEDMILL_ASSIGN(const bool exists, files.Exists(path));
  if (!exists)
    return NotFound("{} is not there: run 'feedmill-train {}' with the same --data and --cut first", path, part);
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, path));
  try {
    const Json json = Json::parse(text);
    StepSummary summary;
    json.at("metrics").get_to(summary.metrics);
    json.at("action_weights").get_to(summary.action_weights);
    json.at("calibration").get_to(summary.calibration);
    json.at("feature_set_hash").get_to(summary.feature_set_hash);
    json.at("compared_to").get_to(summary.compared_to);
    return summary;
  } catch (const Json::parse_error& error) {
    return Corrupt("{}: no JSON from byte {} on", path, error.byte);
  } catch (const Json::exception&) {
    return Corrupt("{}: a member is missing or of another type", path);
  }
}

}  // namespace feedmill::train
