// What serving computes from the live state at an instant is what the nightly writes as that instant's sample, to the
// last bit.
#include <map>

#include <gtest/gtest.h>

#include "features/compute.h"
#include "features/replay_world_for_test.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

using features::ReplayWorld;
using features::WorldEvent;
using features::WorldPost;

LogRecord RecordOf(const WorldEvent& event) {
  std::string properties = "{";
  const auto add = [&properties](std::string_view name, const std::string& value) {
    properties += fmt::format("{}\"{}\":{}", properties.size() == 1 ? "" : ",", name, value);
  };
  if (!event.post.empty()) add("post_id", "\"" + event.post + "\"");
  if (!event.target.empty()) add("target_user_id", "\"" + event.target + "\"");
  if (event.name == "dwell") add("dwell_ms", std::to_string(event.dwell_ms));
  LogRecord record = MakeRecord(event.name, event.user, event.time, properties + "}");
  record.event.message_id = event.id;
  return record;
}

// The features of one candidate as serve asks for them.
std::vector<float> Serve(const features::FeatureSet& set, const LiveState& state, const WorldEvent& shown, Micros now) {
  const auto guard = state.Read();
  const EntityHandle user = state.FindUser(shown.user);
  const EntityHandle post = state.FindPost(shown.post);
  const PostInfo& info = state.Post(post);
  features::CandidateInput candidate{
      post, info.author, info.topic, info.created_at, info.numbers, state.Follows(user, info.author), {}};
  state.FillBuckets(set, &candidate);
  std::vector<float> values(set.features.size());
  features::ComputeFeatures(set, state.counters(), user, state.AsOf(now), {&candidate, 1}, values);
  return values;
}

TEST(ReplayEquality, TheLiveStateServesWhatTheNightlyWrites) {
  const features::FeatureSet set = WithCategories(TemplateFeatures());
  ReplayWorld world(77);
  LiveState state(set, {});
  uint64_t offset = 0;
  for (const WorldPost& post : world.posts) {
    state.Apply(MakeRecord("post_create", post.author, post.created,
                           fmt::format(R"({{"post_id":"{}","topic":"{}","text_length":{},"lang":"{}"}})", post.id,
                                       post.topic, post.text_length, post.lang)),
                {0, offset++});
  }
  std::multimap<Micros, const WorldEvent*> to_serve;  // impressions by their request's instant
  for (const WorldEvent& event : world.events) {
    if (event.name == "feed_impression") to_serve.emplace(world.AsOf(event), &event);
  }
  std::map<std::string, std::vector<float>> served;
  auto next = to_serve.begin();
  for (const WorldEvent& event : world.events) {
    for (; next != to_serve.end() && next->first <= event.time; ++next) {
      ASSERT_EQ(state.AsOf(next->first), next->first);
      served[next->second->id] = Serve(set, state, *next->second, next->first);
    }
    state.Apply(RecordOf(event), {0, offset++});
  }
  for (; next != to_serve.end(); ++next) served[next->second->id] = Serve(set, state, *next->second, next->first);

  features::ReplayTables tables(world, "replay_equality_test");
  tables.Write([](const WorldEvent&) { return true; });
  const Micros end = ReplayWorld::kStart + (ReplayWorld::kDays + 1) * kMicrosPerDay;
  const auto report = features::RunSampleReplay(tables.Arguments(set, ReplayWorld::kStart, end));
  ASSERT_TRUE(report.has_value()) << report.error().ToString();
  std::string sql = "SELECT event_id";
  for (const auto& feature : set.features) sql += fmt::format(", CAST(f_{} AS DOUBLE)", feature.name);
  const query::Rows samples = tables.Query(std::string(features::kSampleTable), sql + " FROM ads_sample_ctr");
  ASSERT_EQ(samples.rows.size(), served.size());
  for (const auto& cells : samples.rows) {
    const std::vector<float>& values = served.at(std::get<std::string>(cells[0]));
    for (size_t f = 0; f < values.size(); ++f) {
      if (values[f] != values[f]) {
        ASSERT_TRUE(std::holds_alternative<std::nullptr_t>(cells[f + 1])) << set.features[f].name;
      } else {
        ASSERT_EQ(static_cast<float>(std::get<double>(cells[f + 1])), values[f]) << set.features[f].name;
      }
    }
  }
}

}  // namespace
}  // namespace feedmill::stream
