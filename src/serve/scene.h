// A scene (feed/<name>.toml): which channels recall, what is filtered, how it is ranked and arranged. Plain data and
// its reader.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/domain.h"
#include "serve/candidate.h"
#include "serve/field_rule.h"
#include "serve/source.h"

namespace feedmill::serve {

struct ChannelSettings {
  bool enabled = false;
  int limit = 100;                     // candidates it may bring
  Micros age_max = 7 * kMicrosPerDay;  // of a post: in_network, fresh, random
  int seeds_max = 20;          // i2i, vector: last actions looked at; in_network: followees whose posts are taken
  double recent_weight = 0.3;  // vector: share of the last actions in the user's vector, 0..1
  double fade = 0.95;          // i2i: how much less each older action of the user counts than the next
  double weight = 1;           // in the fused score: the order without models, and who is trimmed
};

struct FilterSettings {
  bool seen = true;  // leave out what the user has seen; hidden posts and authors always stay out
  bool own = true;
  Micros age_max = 14 * kMicrosPerDay;
  bool topics = false;           // only posts of context.topics, when the request tells any: the page of a topic
  std::vector<FieldRule> rules;  // over declared fields; all must hold, also of the fallback's items
};

enum class Order { kScore, kTime, kRecall, kRandom };

struct RankSettings {
  bool enabled = false;  // score with the bundle's models; else by recall
  Order order = Order::kRecall;
  int candidates_max = 600;               // scored by the models, the best by recall
  double fusion_offset = kFusionOffset;   // small: the top of each channel counts more
  std::map<std::string, double> weights;  // action -> weight, over the bundle's own
};

struct RerankSettings {
  double mmr_lambda = 1;   // 1 = score alone, 0 = difference alone
  int pool = 100;          // best candidates among which a page is arranged
  int author_cap = 0;      // items of one author a page, 0 = any
  double fresh_share = 0;  // of a page, posts younger than fresh_age
  Micros fresh_age = 6 * kMicrosPerHour;
  double interest_share = 0;     // of a newcomer's page, posts of the topics they told
  double exploration_share = 0;  // of the places of a page, drawn
};

struct Scene {
  std::string name;
  std::string description;
  std::array<ChannelSettings, kChannelCount> channels;
  FilterSettings filter;
  RankSettings rank;
  RerankSettings rerank;
  bool fallback = true;  // fill a short page with what is popular

  const ChannelSettings& channel(Source source) const { return channels[static_cast<size_t>(source)]; }
};

// `path` is for messages, which name file, line, key, what was found and what is allowed. Rules are checked against the
// domain.
Result<Scene> ParseScene(std::string_view text, const std::string& path, const std::string& name,
                         const domain::Domain& domain);
// Every *.toml of the folder, by name. A folder without one is kNotFound.
Result<std::map<std::string, Scene>> LoadScenes(const std::string& folder, const domain::Domain& domain);

}  // namespace feedmill::serve
