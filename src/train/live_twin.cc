#include "train/live_twin.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "base/time_text.h"
#include "data/feed_request.h"
#include "registry/bundle_files.h"

namespace feedmill::train {
namespace {

constexpr size_t kServedRowsMin = 200;              // fewer say nothing about a ranking
constexpr Micros kRequestLead = 2 * kMicrosPerDay;  // an impression may come this long after its request

bool ListsFile(const registry::BundleManifest& manifest, const std::string& name) {
  return std::ranges::find(manifest.files, name, &registry::BundleFile::name) != manifest.files.end();
}

// The twin; of a bundle from before there were twins what serves. Of one that was judged by another action nothing:
// what serves has seen the later slice.
Result<std::string> ReadModel(io::FileSystem& files, const std::string& folder,
                              const registry::BundleManifest& manifest, std::string_view action) {
  const bool has_twin = std::ranges::any_of(
      manifest.files, [](const registry::BundleFile& file) { return file.name.starts_with(registry::kTwinPrefix); });
  const std::string name = has_twin ? registry::TwinFile(action) : registry::ModelFile(action);
  if (!ListsFile(manifest, name)) return "";
  return io::ReadWholeFile(files, fmt::format("{}/{}", folder, name));
}

// The documents of what was served with the set, each as serve wrote it, as far as it is needed here.
std::string ServedSql(const std::string& set_hash, Micros from, Micros to) {
  return fmt::format(
      "SELECT '{{\"request_id\":' || to_json(request_id) || ',\"time\":\"1970-01-01T00:00:00Z\",\"items\":' || "
      "coalesce(items, '[]') || '}}' FROM ods_feed_request WHERE feature_set = '{}' AND request_time >= CAST('{}' AS "
      "TIMESTAMPTZ) AND request_time < CAST('{}' AS TIMESTAMPTZ)",
      set_hash, FormatTime(from), FormatTime(to));
}

// Values of the items of one request for those rows of the slice that showed them.
void TakeValues(const FeedRequest& request, const std::unordered_map<uint64_t, size_t>& row_of, size_t width,
                std::vector<std::pair<size_t, std::vector<float>>>* taken) {
  for (const FeedRequestItem& item : request.items) {
    const auto row = row_of.find(ShownKey(request.request_id, item.post_id));
    if (row != row_of.end() && item.features.size() == width) taken->emplace_back(row->second, item.features);
  }
}

}  // namespace

Result<LiveBundle> ReadLiveBundle(io::FileSystem& files, const std::string& data, domain::DomainPtr domain,
                                  std::string_view judged, registry::Registry& registry,
                                  std::vector<std::string>* notes) {
  FEEDMILL_ASSIGN(const std::optional<registry::BundleRow> row, registry.Live());
  LiveBundle live;
  if (!row) return live;
  live.id = row->id;
  const std::string folder = data + "/bundles/" + row->id;
  const auto manifest = registry::VerifyBundle(files, folder);
  if (!manifest) {
    notes->push_back("the live bundle is not measured: " + manifest.error().ToString());
    return live;
  }
  FEEDMILL_ASSIGN(live.model, ReadModel(files, folder, *manifest, judged));
  if (live.model.empty()) {
    notes->push_back(fmt::format("the live bundle {} is not measured: it has no {} model", row->id, judged));
    return live;
  }
  const std::string path = folder + "/" + registry::kFeaturesFile;
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, path));
  auto set = features::ParseFeatureSet(path, text, std::move(domain));
  if (!set) {
    // An action, a number or the category that it was made with is gone from domain.toml: no night may end of that.
    notes->push_back("the live bundle is not measured, popularity is what the new one has to beat: " +
                     set.error().message());
    live.model.clear();
    return live;
  }
  live.set = std::move(*set);
  return live;
}

Result<LiveTwin> MakeLiveTwin(query::Session& session, const LiveBundle& live, const features::FeatureSet& set,
                              const SampleSet& samples, const Slice& later, std::vector<std::string>* notes) {
  LiveTwin twin{.model = live.model, .feature_names = {}, .features = {}, .rows = {}};
  if (live.model.empty() || live.set.hash == set.hash) return twin;
  std::unordered_map<uint64_t, size_t> row_of;
  for (size_t row = later.begin; row < later.end; ++row) row_of.emplace(samples.shown[row], row);
  std::vector<std::pair<size_t, std::vector<float>>> taken;
  const std::string sql = ServedSql(live.set.hash, samples.times[later.begin] - kRequestLead, samples.times.back() + 1);
  FEEDMILL_TRY(session.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      FEEDMILL_ASSIGN(const FeedRequest request, ParseFeedRequest(chunk.Text(0, row)));
      TakeValues(request, row_of, live.set.features.size(), &taken);
    }
    return Ok();
  }));
  std::ranges::sort(taken, {}, [](const auto& entry) { return entry.first; });
  const auto doubles = std::ranges::unique(taken, {}, [](const auto& entry) { return entry.first; });
  taken.erase(doubles.begin(), doubles.end());
  if (taken.size() < kServedRowsMin) {
    notes->push_back(
        fmt::format("the live bundle {} knows other features and served {} rows of the later slice, {} are needed: "
                    "popularity is what the new one has to beat",
                    live.id, taken.size(), kServedRowsMin));
    return LiveTwin{};
  }
  for (const auto& feature : live.set.features) twin.feature_names.push_back(feature.name);
  for (const auto& [row, values] : taken) {
    twin.rows.push_back(row);
    twin.features.insert(twin.features.end(), values.begin(), values.end());
  }
  return twin;
}

}  // namespace feedmill::train
