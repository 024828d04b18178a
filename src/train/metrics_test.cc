// Every figure against its definition, spelled out slowly.
#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace feedmill::train {
namespace {

struct Rows {
  std::vector<uint8_t> labels;
  std::vector<double> scores;
  std::vector<uint32_t> groups;
};

Rows RandomRows(uint64_t seed, size_t count, int distinct_scores, int groups) {
  std::mt19937_64 random(seed);
  Rows rows;
  for (size_t i = 0; i < count; ++i) {
    rows.labels.push_back(random() % 4 == 0 ? 1 : 0);
    rows.scores.push_back(static_cast<double>(random() % static_cast<uint64_t>(distinct_scores)) / 7);
    rows.groups.push_back(static_cast<uint32_t>(random() % static_cast<uint64_t>(groups)) * 1000);
  }
  return rows;
}

double SlowAuc(const Rows& rows) {
  double wins = 0, pairs = 0;
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    for (size_t j = 0; j < rows.labels.size(); ++j) {
      if (rows.labels[i] != 1 || rows.labels[j] != 0) continue;
      pairs += 1;
      wins += rows.scores[i] > rows.scores[j] ? 1 : rows.scores[i] == rows.scores[j] ? 0.5 : 0;
    }
  }
  return wins / pairs;
}

std::map<uint32_t, Rows> Split(const Rows& rows) {
  std::map<uint32_t, Rows> split;
  for (size_t i = 0; i < rows.labels.size(); ++i) {
    split[rows.groups[i]].labels.push_back(rows.labels[i]);
    split[rows.groups[i]].scores.push_back(rows.scores[i]);
  }
  return split;
}

// Mean of DCG over all orders of one group that agree with the scores.
double SlowNdcg(const Rows& rows, size_t k) {
  std::vector<size_t> order(rows.labels.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  double sum = 0, orders = 0, ideal = 0;
  const auto positives = std::ranges::count(rows.labels, 1);
  for (size_t place = 0; place < std::min(k, static_cast<size_t>(positives)); ++place)
    ideal += 1 / std::log2(static_cast<double>(place) + 2);
  do {
    if (!std::ranges::is_sorted(order, [&](size_t a, size_t b) { return rows.scores[a] > rows.scores[b]; })) continue;
    orders += 1;
    for (size_t place = 0; place < std::min(k, order.size()); ++place)
      sum += rows.labels[order[place]] / std::log2(static_cast<double>(place) + 2);
  } while (std::ranges::next_permutation(order).found);
  return sum / orders / ideal;
}

TEST(MetricsTest, AucIsTheShareOfPairsInOrder) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Rows rows = RandomRows(seed, 80, seed % 2 == 0 ? 5 : 1000, 1);
    EXPECT_NEAR(Auc(rows.labels, rows.scores), SlowAuc(rows), 1e-12);
  }
}

TEST(MetricsTest, GroupedAucWeighsGroupsByRows) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Rows rows = RandomRows(seed, 120, 9, 15);
    double sum = 0, weight = 0;
    for (const auto& [group, part] : Split(rows)) {
      if (std::ranges::count(part.labels, 1) == 0 || std::ranges::count(part.labels, 0) == 0) continue;
      sum += SlowAuc(part) * static_cast<double>(part.labels.size());
      weight += static_cast<double>(part.labels.size());
    }
    EXPECT_NEAR(GroupedAuc(rows.labels, rows.scores, rows.groups), sum / weight, 1e-12);
  }
}

TEST(MetricsTest, NdcgIsTheMeanOverOrdersOfTies) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const Rows rows = RandomRows(seed, 30, 3, 5);
    for (const int k : {1, 3, 10}) {
      double sum = 0, count = 0;
      bool small = true;
      for (const auto& [group, part] : Split(rows)) {
        small &= part.labels.size() <= 8;
        if (!small || std::ranges::count(part.labels, 1) == 0) continue;
        sum += SlowNdcg(part, static_cast<size_t>(k));
        count += 1;
      }
      if (!small) continue;
      EXPECT_NEAR(Ndcg(rows.labels, rows.scores, rows.groups, k), sum / count, 1e-9) << seed << " " << k;
    }
  }
}

TEST(MetricsTest, NothingToMeasureIsNotANumber) {
  EXPECT_TRUE(std::isnan(Auc({}, {})));
  EXPECT_TRUE(std::isnan(Auc(std::vector<uint8_t>{1, 1}, std::vector<double>{1, 2})));
  EXPECT_TRUE(std::isnan(Ndcg(std::vector<uint8_t>{0}, std::vector<double>{1}, std::vector<uint32_t>{1}, 10)));
  EXPECT_TRUE(std::isnan(LogLoss({}, {})));
}

TEST(MetricsTest, LogLossAndCalibration) {
  const std::vector<uint8_t> labels = {1, 0, 1, 0};
  const std::vector<double> even(4, 0.5);
  EXPECT_NEAR(LogLoss(labels, even), std::log(2), 1e-12);
  EXPECT_NEAR(CalibrationError(labels, even, 2), 0, 1e-12);
  const std::vector<double> wrong = {0.1, 0.1, 0.9, 0.9};
  const std::vector<uint8_t> reversed = {1, 1, 0, 0};
  EXPECT_NEAR(CalibrationError(reversed, wrong, 2), 0.9, 1e-12);
  EXPECT_TRUE(std::isfinite(LogLoss(reversed, std::vector<double>{0, 0, 1, 1})));
}

TEST(MetricsTest, ListsAgainstHits) {
  const std::vector<uint32_t> ranked = {5, 3, 9, 1}, relevant = {1, 3, 7};
  EXPECT_NEAR(RecallAt(ranked, relevant, 2), 1.0 / 3, 1e-12);
  EXPECT_NEAR(RecallAt(ranked, relevant, 20), 2.0 / 3, 1e-12);
  const double ideal = 1 + 1 / std::log2(3) + 0.5;
  EXPECT_NEAR(NdcgAt(ranked, relevant, 4), (1 / std::log2(3) + 1 / std::log2(5)) / ideal, 1e-12);
  EXPECT_NEAR(NdcgAt(std::vector<uint32_t>{3}, relevant, 1), 1, 1e-12);
}

}  // namespace
}  // namespace feedmill::train
