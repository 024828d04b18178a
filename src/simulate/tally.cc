#include "simulate/tally.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/time_text.h"

namespace feedmill::simulate {

double Tally::FeedMillis(double quantile) const {
  if (feed_times.empty()) return 0;
  std::vector<Micros> sorted = feed_times;
  const auto rank = static_cast<size_t>(std::ceil(quantile * static_cast<double>(sorted.size())));
  const size_t index = std::clamp<size_t>(rank, 1, sorted.size()) - 1;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(index), sorted.end());
  return static_cast<double>(sorted[index]) / 1000;
}

std::string Tally::ToJson(const std::vector<Behaviour>& behaviours) const {
  const auto round = [](double value) { return std::round(value * 1e6) / 1e6; };
  nlohmann::ordered_json json;
  json["policy"] = policy;
  json["until"] = FormatTime(until);
  json["feeds"] = feeds;
  json["feeds_empty"] = feeds_empty;
  json["feeds_degraded"] = feeds_degraded;
  json["events"] = events;
  json["impressions"] = clicks.shown;
  json["ctr"] = round(clicks.value());
  json["ctr_new_users"] = round(clicks_new_users.value());
  json["ctr_new_posts"] = round(clicks_new_posts.value());
  double unwanted = 0, follows = 0;
  for (size_t i = 0; i < behaviours.size(); ++i) {
    const double rate = clicks.shown == 0 ? 0 : static_cast<double>(deeds[i]) / static_cast<double>(clicks.shown);
    json["rates"][behaviours[i].name] = round(rate);
    if (behaviours[i].when == Behaviour::When::kUnwanted) unwanted += rate;
    if (behaviours[i].effect == Behaviour::Effect::kFollows) follows += rate;
  }
  json["follow_rate"] = round(follows);
  json["unwanted_rate"] = round(unwanted);
  json["against_rules"] = against_rules;
  json["regret"] = round(regret());
  json["impressions_new_users"] = clicks_new_users.shown;
  json["impressions_new_posts"] = clicks_new_posts.shown;
  json["feed_p50_ms"] = FeedMillis(0.50);
  json["feed_p99_ms"] = FeedMillis(0.99);
  return json.dump();
}

}  // namespace feedmill::simulate
