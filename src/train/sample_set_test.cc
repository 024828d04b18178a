#include "train/sample_set.h"

#include <cmath>
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/time_text.h"

namespace feedmill::train {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

features::FeatureSet TwoFeatures() {
  features::FeatureSet set;
  set.features.resize(2);
  set.features[0].name = "a";
  set.features[1].name = "b";
  return set;
}

class SampleSetTest : public testing::Test {
 protected:
  SampleSetTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_samples_{}", getpid())) {
    std::filesystem::create_directories(folder_);
    engine_ = query::OpenEngine({.temporary_directory = folder_.string()}).value();
    session_ = engine_->NewSession().value();
    plan_ = LoadRankPlan(io::PosixFileSystem(), folder_.string(), *domain::LegacyDomain()).value();
    plan_.rows_min = 1;
  }
  ~SampleSetTest() override {
    session_.reset();
    engine_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Fill(const std::string& select) {
    const Status filled = session_->Execute("CREATE OR REPLACE TABLE ads_sample_ctr AS " + select);
    ASSERT_THAT(filled, IsOk());
  }
  static Micros Cut() { return ParseTime("2026-11-02").value(); }

  std::filesystem::path folder_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
  RankPlan plan_;
};

constexpr char kLabels[] =
    "CAST(x % 2 AS INTEGER) AS click, 0 AS \"like\", 0 AS comment, 0 AS share, 0 AS follow, CAST(NULL AS INTEGER) "
    "AS hide, ";

TEST_F(SampleSetTest, ReadsWholeRequestsInTheOrderOfTime) {
  Fill(std::string("SELECT CAST('2026-11-01' AS TIMESTAMPTZ) + INTERVAL (x) SECOND AS event_time, "
                   "CASE WHEN x IN (1, 3) THEN 'r1' ELSE concat('r', x) END AS request_id, concat('e', x) AS event_id, "
                   "'u' AS user_id, 'p' AS post_id, ") +
       kLabels +
       "CAST(x AS INTEGER) AS position, CAST(x AS FLOAT) AS f_a, CASE WHEN x = 2 THEN NULL ELSE CAST(-x AS FLOAT) END "
       "AS f_b, "
       "'not read' AS f_c FROM range(6) t(x)");
  const auto samples = ReadSamples(*session_, TwoFeatures(), plan_, Cut());
  ASSERT_THAT(samples, IsOk());
  EXPECT_THAT(samples->requests, ElementsAre(0, 1, 1, 2, 3, 4));
  EXPECT_EQ(samples->times[2], samples->times[1]);
  EXPECT_THAT(samples->labels.at("click"), ElementsAre(0, 1, 1, 0, 0, 1));
  EXPECT_THAT(samples->labels.at("hide"), testing::Each(0));
  EXPECT_EQ(samples->features[0], 0);
  EXPECT_TRUE(std::isnan(samples->features[7]));
  EXPECT_EQ(samples->positions[3], 2);
  EXPECT_THAT(samples->GroupSizes({0, 6}), ElementsAre(1, 2, 1, 1, 1));
  EXPECT_THAT(samples->GroupSizes({1, 4}), ElementsAre(2, 1));
}

TEST_F(SampleSetTest, RowsFromTheCutOnDoNotCount) {
  Fill(std::string("SELECT CAST('2026-11-01 23:59:58' AS TIMESTAMPTZ) + INTERVAL (x) SECOND AS event_time, CAST(NULL "
                   "AS VARCHAR) AS request_id, "
                   "concat('e', x) AS event_id, 'u' AS user_id, 'p' AS post_id, ") +
       kLabels + "NULL AS position, CAST(0 AS FLOAT) AS f_a, CAST(0 AS FLOAT) AS f_b FROM range(5) t(x)");
  const auto samples = ReadSamples(*session_, TwoFeatures(), plan_, Cut());
  ASSERT_THAT(samples, IsOk());
  EXPECT_EQ(samples->row_count(), 2u);
}

TEST_F(SampleSetTest, ThinsByWholeRequests) {
  Fill(std::string("SELECT CAST('2026-11-01' AS TIMESTAMPTZ) + INTERVAL (x) SECOND AS event_time, concat('r', x // 10) "
                   "AS request_id, "
                   "concat('e', x) AS event_id, 'u' AS user_id, 'p' AS post_id, ") +
       kLabels + "0 AS position, CAST(0 AS FLOAT) AS f_a, CAST(0 AS FLOAT) AS f_b FROM range(20000) t(x)");
  plan_.rows_max = 5000;
  const auto samples = ReadSamples(*session_, TwoFeatures(), plan_, Cut());
  ASSERT_THAT(samples, IsOk());
  EXPECT_EQ(samples->rows_in_table, 20000u);
  EXPECT_NEAR(static_cast<double>(samples->row_count()), 5000, 700);
  EXPECT_THAT(samples->GroupSizes({0, samples->row_count()}), testing::Each(10));
  const auto split = SplitByTime(*samples, plan_);
  ASSERT_THAT(split, IsOk());
  for (const size_t border : {split->validation.begin, split->later.begin})
    EXPECT_NE(samples->requests[border], samples->requests[border - 1]);
  EXPECT_EQ(split->training.end, split->validation.begin);
  EXPECT_EQ(split->later.end, samples->row_count());
  EXPECT_NEAR(static_cast<double>(split->later.size()) / static_cast<double>(samples->row_count()), 0.2, 0.01);
}

TEST_F(SampleSetTest, NamesWhatIsMissing) {
  Fill(
      "SELECT CAST('2026-11-01' AS TIMESTAMPTZ) AS event_time, 'r' AS request_id, 'e' AS event_id, 'u' AS user_id, 0 "
      "AS position, 1 AS click");
  EXPECT_THAT(ReadSamples(*session_, TwoFeatures(), plan_, Cut()),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no column 'like'")));
  Fill(std::string("SELECT CAST('2026-11-01' AS TIMESTAMPTZ) AS event_time, 'r' AS request_id, 'e' AS event_id, 'u' AS "
                   "user_id, 0 AS position, ") +
       kLabels + "CAST(0 AS FLOAT) AS f_a FROM range(1) t(x)");
  EXPECT_THAT(ReadSamples(*session_, TwoFeatures(), plan_, Cut()),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("no column 'f_b'")));
  Fill(std::string("SELECT CAST('2026-11-01' AS TIMESTAMPTZ) AS event_time, 'r' AS request_id, 'e' AS event_id, 'u' AS "
                   "user_id, 0 AS position, ") +
       kLabels + "CAST(0 AS FLOAT) AS f_a, CAST(0 AS FLOAT) AS f_b FROM range(3) t(x)");
  plan_.rows_min = 4;
  EXPECT_THAT(ReadSamples(*session_, TwoFeatures(), plan_, Cut()),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("holds 3 rows")));
  EXPECT_THAT(*TooFewSamples(*session_, plan_, Cut()), HasSubstr("holds 3 rows before the cut, at least 4"));
  plan_.rows_min = 3;
  EXPECT_EQ(*TooFewSamples(*session_, plan_, Cut()), "");
  EXPECT_THAT(*TooFewSamples(*session_, plan_, *ParseTime("2026-10-31")),
              HasSubstr("no impression before the cut is old enough"));
}

}  // namespace
}  // namespace feedmill::train
