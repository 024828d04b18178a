// The nightly counts the actions that the project's domain says.
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "features/replay.h"
#include "features/replay_world_for_test.h"

namespace feedmill::features {
namespace {

constexpr Micros kStart = ReplayWorld::kStart;
constexpr Micros kDay = kMicrosPerDay;

// A domain in which one event is two actions, one of them by a value.
FeatureSet FeaturesOf(std::string_view value) {
  const std::string domain = fmt::format(
      "[item.post]\nid = \"post_id\"\n[item.user]\nid = \"userId\"\n[action.shown]\nevent = \"feed_impression\"\nshown "
      "= "
      "true\n[action.stay]\nevent = \"dwell\"\n[action.time]\nevent = \"dwell\"\nwhen = \"{0}\"\nvalue = "
      "\"{0}\"\nvalue_max = 1e9\n",
      value);
  constexpr std::string_view kFeatures =
      "[[feature]]\nname = \"stays\"\nkind = \"log_count\"\nkey = \"post\"\naction = \"stay\"\nhalf_life = \"30d\"\n"
      "[[feature]]\nname = \"times\"\nkind = \"log_count\"\nkey = \"post\"\naction = \"time\"\nhalf_life = \"30d\"\n";
  return ParseFeatureSet("f.toml", kFeatures, domain::ParseDomain("d.toml", domain).value()).value();
}

class ReplayActionsTest : public testing::Test {
 protected:
  ReplayWorld world_{31};
  ReplayTables tables_{
      world_, std::string("replay_actions_test_") + testing::UnitTest::GetInstance()->current_test_info()->name()};
};

TEST_F(ReplayActionsTest, OneEventIsTwoActionsAndOneCountsItsValue) {
  tables_.Write([](const WorldEvent&) { return true; });
  const FeatureSet set = FeaturesOf("dwell_ms");
  const auto report = RunSampleReplay(tables_.Arguments(set, kStart, kStart + 10 * kDay));
  ASSERT_THAT(report, IsOk());
  const auto dwells = std::ranges::count(world_.events, "dwell", &WorldEvent::name);
  const auto shown = std::ranges::count(world_.events, "feed_impression", &WorldEvent::name);
  EXPECT_EQ(report->actions_applied, shown + 2 * dwells);
  const query::Rows rows = tables_.Query(
      std::string(kSampleTable),
      "SELECT CAST(COUNT(*) AS BIGINT) FROM ads_sample_ctr WHERE (f_stays > 0) <> (f_times > 0) OR f_times < f_stays");
  EXPECT_EQ(std::get<int64_t>(rows.rows[0][0]), 0);
  const query::Rows some = tables_.Query(std::string(kSampleTable),
                                         "SELECT CAST(COUNT(*) AS BIGINT) FROM ads_sample_ctr WHERE f_times > f_stays");
  EXPECT_GT(std::get<int64_t>(some.rows[0][0]), 100);
}

TEST_F(ReplayActionsTest, ANumberOrACategoryThatIsNoColumnIsNamed) {
  tables_.Write([](const WorldEvent&) { return true; });
  const auto refusal = [&](std::string_view entries) {
    const std::string domain = fmt::format(
        "[item.post]\nid = \"post_id\"\nmade_by = \"made\"\n{}\n[item.user]\nid = \"userId\"\n[action.like]\nevent = "
        "\"like\"\n",
        entries);
    constexpr std::string_view kFeature =
        "[[feature]]\nname = \"likes\"\nkind = \"log_count\"\nkey = \"post\"\naction = \"like\"\nhalf_life = \"1d\"\n";
    const FeatureSet set = ParseFeatureSet("f.toml", kFeature, domain::ParseDomain("d.toml", domain).value()).value();
    const auto report = RunSampleReplay(tables_.Arguments(set, kStart, kStart + kDay));
    return report ? std::string("taken") : report.error().message();
  };
  EXPECT_THAT(refusal("numbers = [\"price\"]"), testing::HasSubstr("no column \"price\""));
  EXPECT_THAT(refusal("category = \"shelf\""), testing::HasSubstr("no column \"shelf\""));
  EXPECT_EQ(refusal("numbers = [\"text_length\"]\ncategory = \"topic\""), "taken");
  EXPECT_EQ(refusal(""), "taken") << "without either";
}

TEST_F(ReplayActionsTest, APropertyThatIsNoColumnIsNamed) {
  tables_.Write([](const WorldEvent&) { return true; });
  const FeatureSet set = FeaturesOf("stars");
  const auto report = RunSampleReplay(tables_.Arguments(set, kStart, kStart + kDay));
  EXPECT_THAT(report, IsError(ErrorKind::kInvalidArgument, testing::HasSubstr("\"stars\"")));
}

}  // namespace
}  // namespace feedmill::features
