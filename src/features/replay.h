// The nightly's native steps: the past is replayed through the CounterTable that serving reads, action by action in
// order of (event_time, event_id). features.samples writes ads.ads_sample_ctr, features.dump writes
// ads.ads_{user,post,author}_features.
//
// A sample's features are those of the instant of its request's first impression of the same day (as_of): only actions
// strictly earlier count, all impressions of one request see one state, and follows are those that stood then.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "features/feature_set.h"
#include "io/file_system.h"
#include "lake/catalog.h"
#include "query/engine.h"

namespace feedmill::features {

inline constexpr int kReplayPartsMax = 16;

struct ReplayArguments {
  io::FileSystem* files = nullptr;
  lake::Catalog* catalog = nullptr;
  query::Engine* engine = nullptr;
  const FeatureSet* set = nullptr;
  // Counters as of the last run's end and the day before are kept here, so that the next night replays a day or two. A
  // checkpoint counts
  // only when the actions before its cut are still the same rows (late arrivals and re-keyed users make it void); else
  // all of history is replayed.
  std::string checkpoint_folder;
  // Samples of impressions in [start, end), both at midnight UTC. Without a start: from the first day whose samples are
  // not those of its impressions (another number of rows or other labels, which come in until 24 hours later), or
  // earlier where no checkpoint of these features stands at that day.
  std::optional<Micros> start;
  Micros end = 0;
  std::function<void(double)> on_progress;  // share done, 0 to 1; may be empty
  // Memory of the process, 0 = no limit. Users are taken in as many parts as keep what is known of one part (its
  // counters and those of its pairs) within a share of it, divided by `parts`, and in at least `parts`. What is known
  // of posts and authors is there once, whatever the parts; each part reads all actions again. The rows do not depend
  // on the number of parts.
  uint64_t memory_bytes_max = 0;
  int parts = 1;
  // Who writes: what a failed try of the same run left in the tables is removed first. "" = nobody's.
  std::string run_id;
  // At most about so many samples of one day, 0 = all: of a day with more impressions, every second, fourth, ...
  // request is kept whole, chosen by a hash of its id.
  int64_t day_samples_max = 0;
  int64_t slice_actions = 500'000;  // about so many actions and their impressions are looked at together
};

struct ReplayReport {
  int64_t actions_applied = 0;
  int64_t rows_written = 0;
  Micros start = 0;            // first day of samples made
  Micros replayed_from = 0;    // cut of the checkpoint used, or 0: from the first action
  uint64_t counter_bytes = 0;  // memory of the counters at the end, of the largest part
  int parts = 1;
  int64_t days_thinned = 0;   // of which not every request became samples
  int64_t days_read = 0;      // days of tables whose rows were read to see whether they changed
  int64_t post_versions = 0;  // held in memory, of the posts that the days show
  Micros wall_time = 0;
};

// Replaces the days [start, end) of ads.ads_sample_ctr in one commit and keeps checkpoints at `end` and the day before.
// Needs dwd.dwd_user_action, dwd.dwd_impression, dwd.dwd_post and dwd.dwd_user_relation. kInvalidArgument when start or
// end are no midnights or in wrong order.
Result<ReplayReport> RunSampleReplay(const ReplayArguments& arguments);

// One row a user, post or author with all counters of that key as of `arguments.end` (columns c_<counter>), replacing
// the rows of all three tables. `start` is not used; no checkpoint is kept.
Result<ReplayReport> RunFeatureDump(const ReplayArguments& arguments);

inline constexpr std::string_view kSampleTable = "ads.ads_sample_ctr";
// Feature columns of kSampleTable are this and the feature's name.
inline constexpr std::string_view kFeatureColumnPrefix = "f_";
inline constexpr std::string_view kCounterColumnPrefix = "c_";

}  // namespace feedmill::features
