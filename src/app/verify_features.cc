#include "app/verify_features.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "app/lake_events.h"
#include "base/time_text.h"
#include "data/feed_request.h"
#include "data/log_positions.h"
#include "features/compute.h"
#include "ingest/event_tables.h"

namespace feedmill::app {
namespace {

// A row as the document it was written as, as far as it is needed here.
constexpr std::string_view kRequests =
    "SELECT applied, CAST(list_sum(list_transform(string_split(applied, ','), x -> CAST(split_part(x, ':', 2) AS "
    "BIGINT))) AS BIGINT) AS records, as_of,"
    " '{{\"request_id\":' || to_json(request_id) || ',\"user_id\":' || to_json(user_id) || "
    "',\"time\":\"1970-01-01T00:00:00Z\"' ||"
    " ',\"feature_set\":' || to_json(feature_set) || ',\"feature_names\":' || feature_names ||"
    " ',\"items\":' || coalesce(items, '[]') || ',\"sampled\":' || coalesce(sampled, '[]') || '}}' AS document"
    " FROM ods_feed_request WHERE feature_set IS NOT NULL AND applied IS NOT NULL"
    " AND request_time >= TIMESTAMPTZ '{}' AND request_time < TIMESTAMPTZ '{}' ORDER BY records, log_partition, "
    "log_offset";

bool SameBits(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

// Sums in another order differ in their last bits.
bool IsNear(float a, float b) { return std::fabs(a - b) <= 1e-6f * std::max(1.0f, std::fabs(a)); }

// "0:17,3:9" by partition; those that are not named are at 0.
// By partition; those that are not named are at 0.
Result<std::vector<uint64_t>> ReadApplied(std::string_view text, uint32_t partitions) {
  std::vector<uint64_t> ends(partitions);
  const auto positions = ParseLogPositions(text);
  if (!positions) return Corrupt("ods_feed_request: applied is \"{}\"; allowed is a list of partition:offset", text);
  for (const LogPosition& next : *positions) {
    if (next.partition >= partitions)
      return InvalidArgument("a feed request was made with partition {} of the log; log.partitions is {}",
                             next.partition, partitions);
    ends[next.partition] = next.offset;
  }
  return ends;
}

class Comparing {
 public:
  // Over several partitions it is not known in which order their records were applied.
  Comparing(const features::FeatureSet& set, const stream::LiveStateOptions& options, uint32_t partitions)
      : set_(set), has_one_order_(partitions == 1), state_(set, options) {}

  stream::LiveState* state() { return &state_; }
  FeatureComparison& result() { return result_; }

  void Compare(const FeedRequest& request, Micros as_of) {
    if (request.feature_set != set_.hash) {
      ++result_.requests_other_features;
      return;
    }
    ++result_.requests;
    const auto guard = state_.Read();
    for (const auto* items : {&request.items, &request.sampled}) {
      for (const FeedRequestItem& item : *items) {
        if (!item.features.empty()) CompareItem(request, item, as_of);
      }
    }
  }

 private:
  void CompareItem(const FeedRequest& request, const FeedRequestItem& item, Micros as_of) {
    ++result_.items;
    const std::vector<float> found = Compute(request.user_id, item.post_id, as_of);
    for (size_t i = 0; i < set_.features.size(); ++i) {
      ++result_.values;
      const float logged = i < item.features.size() ? item.features[i] : std::numeric_limits<float>::quiet_NaN();
      if (!SameBits(logged, found[i]) && (has_one_order_ || !IsNear(logged, found[i])))
        NoteDifference(request, item, i, logged, found[i]);
    }
  }

  std::vector<float> Compute(const std::string& user_id, const std::string& post_id, Micros as_of) const {
    const features::EntityHandle user = state_.FindUser(user_id);
    features::CandidateInput candidate;
    candidate.post = state_.FindPost(post_id);
    if (candidate.post != features::kNoEntity) {
      const stream::PostInfo& post = state_.Post(candidate.post);
      const bool both = user != features::kNoEntity && post.author != features::kNoEntity;
      candidate = {candidate.post,
                   post.author,
                   post.topic,
                   post.created_at,
                   post.numbers,
                   both && state_.Follows(user, post.author),
                   {}};
      state_.FillBuckets(set_, &candidate);
    }
    std::vector<float> values(set_.features.size());
    features::ComputeFeatures(set_, state_.counters(), user, as_of, {&candidate, 1}, values);
    return values;
  }

  void NoteDifference(const FeedRequest& request, const FeedRequestItem& item, size_t feature, float logged,
                      float found) {
    ++result_.different;
    const double difference = std::isnan(logged) || std::isnan(found) ? std::numeric_limits<double>::infinity()
                                                                      : std::fabs(static_cast<double>(logged) - found);
    result_.difference_max = std::max(result_.difference_max, difference);
    if (!result_.first_difference.empty()) return;
    result_.first_difference =
        fmt::format("request {}, post {}, feature {}: logged {}, from the lake {}", request.request_id, item.post_id,
                    set_.features[feature].name, logged, found);
  }

  const features::FeatureSet& set_;
  const bool has_one_order_;
  stream::LiveState state_;
  FeatureComparison result_;
};

}  // namespace

Result<FeatureComparison> CompareFeatures(const Config& config, const DataFolder& folder, Micros from, Micros to) {
  const uint32_t partitions = config.event_log.partitions;
  FEEDMILL_ASSIGN(const auto set, features::LoadProjectFeatures(io::PosixFileSystem(), config.paths.project));
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config));
  FEEDMILL_ASSIGN(const auto of_events, engine->NewSession());
  FEEDMILL_ASSIGN(const auto of_requests, engine->NewSession());
  LakeEvents events(*of_events, *folder.catalog, partitions);
  Comparing comparing(set, config.stream.state, partitions);
  FEEDMILL_TRY(of_requests->RegisterTable(*folder.catalog, std::string(ingest::kFeedRequestTable)));
  const std::string sql = fmt::format(fmt::runtime(kRequests), FormatTime(from), FormatTime(to));
  FEEDMILL_TRY(of_requests->Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      FEEDMILL_ASSIGN(const FeedRequest request, ParseFeedRequest(chunk.Text(3, row)));
      FEEDMILL_ASSIGN(const auto ends, ReadApplied(chunk.Text(0, row), partitions));
      FEEDMILL_TRY(events.ApplyUpTo(ends, comparing.state()));
      comparing.Compare(request, chunk.Longs(2)[row]);
    }
    return Ok();
  }));
  return std::move(comparing.result());
}

}  // namespace feedmill::app
