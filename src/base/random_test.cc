#include "base/random.h"

#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(RandomTest, SameSeedSameNumbersForEver) {
  Random random(42);
  std::vector<uint64_t> found = {random.Next(), random.Next(), random.Next()};
  // From an independent implementation of the two papers; a change here changes every figure of every world.
  EXPECT_EQ(found, (std::vector<uint64_t>{1546998764402558742ull, 6990951692964543102ull, 12544586762248559009ull}));
}

TEST(RandomTest, BelowIsEvenAndInside) {
  Random random(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts[random.Below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10'000, 400);
}

TEST(RandomTest, BetweenReachesBothEndsAndTheWholeRange) {
  Random random(2);
  std::set<int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.Between(-1, 1));
  EXPECT_EQ(seen, (std::set<int64_t>{-1, 0, 1}));
  random.Between(INT64_MIN, INT64_MAX);
}

TEST(RandomTest, NormalHasItsMoments) {
  Random random(3);
  double sum = 0, squares = 0, fourth = 0;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) {
    double value = random.Normal();
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
  EXPECT_NEAR(fourth / kCount, 3, 0.15);
}

TEST(RandomTest, NormalQuantileInvertsTheDistribution) {
  for (double p : {1e-15, 1e-9, 1e-4, 0.01, 0.07, 0.08, 0.3, 0.5, 0.8, 0.93, 0.999, 1 - 1e-9}) {
    double x = NormalQuantile(p);
    EXPECT_NEAR(0.5 * std::erfc(-x / std::sqrt(2.0)) / p, 1, 1e-6) << p;
  }
}

TEST(RandomTest, ExponentialHasItsMean) {
  Random random(4);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += random.Exponential(3);
  EXPECT_NEAR(sum / 100'000, 3, 0.05);
}

TEST(RandomTest, ChanceAtItsEnds) {
  Random random(5);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(random.Chance(0));
    ASSERT_TRUE(random.Chance(1));
  }
}

TEST(RandomTest, ForksDifferAndLeaveTheirParentAlone) {
  Random parent(6), twin(6);
  Random a = parent.Fork(1), b = parent.Fork(2);
  EXPECT_NE(a.Next(), b.Next());
  EXPECT_EQ(parent.Next(), twin.Next());
}

TEST(RandomTest, ShuffleKeepsTheItems) {
  std::vector<int> items(100);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> shuffled = items;
  Random(7).Shuffle(std::span(shuffled));
  EXPECT_NE(shuffled, items);
  std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, items);
}

}  // namespace
}  // namespace feedmill
