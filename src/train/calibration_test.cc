#include "train/calibration.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "train/metrics.h"

namespace feedmill::train {
namespace {

TEST(CalibrationTest, FindsTheCurveThatMadeTheLabels) {
  Random random(1);
  std::vector<uint8_t> labels;
  std::vector<double> raw, probabilities;
  for (int i = 0; i < 200'000; ++i) {
    raw.push_back(random.Normal() * 3);
    labels.push_back(random.Chance(1 / (1 + std::exp(-(0.7 * raw.back() - 2)))) ? 1 : 0);
  }
  const Calibration found = FitCalibration(labels, raw);
  EXPECT_NEAR(found.slope, 0.7, 0.02);
  EXPECT_NEAR(found.intercept, -2, 0.04);
  for (const double score : raw) probabilities.push_back(Probability(found, score));
  EXPECT_LT(CalibrationError(labels, probabilities, 10), 0.003);
}

TEST(CalibrationTest, SeparableScoresStayFinite) {
  const Calibration found = FitCalibration(std::vector<uint8_t>{0, 0, 1, 1}, std::vector<double>{-2, -1, 1, 2});
  EXPECT_TRUE(std::isfinite(found.slope) && std::isfinite(found.intercept));
  EXPECT_GT(Probability(found, 2), 0.7);
  EXPECT_LT(Probability(found, -2), 0.3);
}

TEST(CalibrationTest, NothingToLearnGivesTheShare) {
  const Calibration one_kind = FitCalibration(std::vector<uint8_t>(8, 0), std::vector<double>(8, 1));
  EXPECT_EQ(one_kind.slope, 0);
  EXPECT_NEAR(Probability(one_kind, 5), 0.1, 1e-9);
  const Calibration flat = FitCalibration(std::vector<uint8_t>{1, 0, 0, 0}, std::vector<double>(4, 3.0));
  EXPECT_NEAR(Probability(flat, 3), 0.25, 0.08);
  EXPECT_TRUE(std::isfinite(flat.slope));
}

}  // namespace
}  // namespace feedmill::train
