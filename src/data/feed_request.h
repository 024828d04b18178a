// One answered feed request as the server writes it back through the log (RecordKind::kFeedRequest) and as it lands in
// ods_feed_request: what was shown and why, in numbers that can be checked again. `serve` writes the JSON, this reads
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill {

struct FeedRequestItem {
  std::string post_id;
  std::string author_id;
  int64_t position = -1;  // place in the feed, from 0; -1 = a candidate that was not shown
  std::string source;     // recall channel that brought it
  double score = 0;
  std::string reason;
  std::vector<double> probabilities;  // by FeedRequest::actions; empty when no model scored it
  std::vector<float> features;        // by FeedRequest::feature_names; NaN where the document has null
};

struct FeedStage {
  std::string stage;
  int64_t count = 0;  // candidates left behind it
  double milliseconds = 0;
};

struct FeedRequest {
  std::string request_id;
  std::string user_id;
  std::string scene;
  Micros time = 0;
  std::string bundle;                 // empty when none was live
  std::vector<std::string> degraded;  // parts that were missing
  double total_ms = 0;
  std::vector<FeedStage> funnel;
  std::string feature_set;  // hash of the feature definitions
  std::vector<std::string> actions;
  std::vector<double> weights;  // by actions
  std::vector<std::string> feature_names;
  std::vector<FeedRequestItem> items;
  std::vector<FeedRequestItem> sampled;
};

// Members that are not named here are left aside; missing ones and nulls keep their defaults. kCorrupt names the member
// of a wrong type, or says that the text is no JSON object, or that request_id or time is missing.
Result<FeedRequest> ParseFeedRequest(std::string_view json);

}  // namespace feedmill
