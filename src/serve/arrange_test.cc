#include "serve/arrange.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill::serve {
namespace {

using testing::ElementsAre;

std::vector<size_t> Picked(const std::vector<Arranged>& arranged) {
  std::vector<size_t> items;
  for (const Arranged& place : arranged) items.push_back(place.item);
  return items;
}

double Alike(size_t a, size_t b) { return a % 2 == b % 2 ? 1 : 0; }

TEST(ArrangeTest, ScoreAloneKeepsTheOrder) {
  const std::vector<ArrangeItem> items = {{9, 1}, {8, 1}, {7, 2}, {6, 3}};
  EXPECT_THAT(Picked(ArrangeByMarginalRelevance(items, {3, 1, 0}, Alike)), ElementsAre(0, 1, 2));
}

TEST(ArrangeTest, DifferenceLiftsAnotherKind) {
  const std::vector<ArrangeItem> items = {{10, 1}, {5, 2}, {9, 3}, {1, 4}};
  EXPECT_THAT(Picked(ArrangeByMarginalRelevance(items, {3, 0.5, 0}, Alike)), ElementsAre(0, 1, 2));
  EXPECT_THAT(Picked(ArrangeByMarginalRelevance(items, {3, 1, 0}, Alike)), ElementsAre(0, 2, 1));
}

TEST(ArrangeTest, CapHoldsAnAuthorBackUntilNobodyElseIsLeft) {
  const std::vector<ArrangeItem> items = {{9, 1}, {8, 1}, {7, 1}, {6, 2}};
  const auto arranged = ArrangeByMarginalRelevance(items, {4, 1, 1}, Alike);
  EXPECT_THAT(Picked(arranged), ElementsAre(0, 3, 1, 2));
  EXPECT_FALSE(arranged[1].cap_relaxed);
  EXPECT_TRUE(arranged[2].cap_relaxed);
}

TEST(ArrangeTest, NoCapHoldsForItemsThatNobodyMade) {
  const std::vector<ArrangeItem> items = {{9, kNoAuthor}, {8, kNoAuthor}, {7, 1}, {6, 1}};
  EXPECT_THAT(Picked(ArrangeByMarginalRelevance(items, {4, 1, 1}, Alike)), ElementsAre(0, 1, 2, 3));
  EXPECT_FALSE(ArrangeByMarginalRelevance(items, {4, 1, 1}, Alike)[1].cap_relaxed);
}

TEST(ArrangeTest, FewerItemsThanPlaces) {
  EXPECT_TRUE(ArrangeByMarginalRelevance({}, {5, 0.5, 1}, Alike).empty());
  const std::vector<ArrangeItem> one = {{1, 1}};
  EXPECT_EQ(ArrangeByMarginalRelevance(one, {5, 0.5, 1}, Alike).size(), 1u);
}

// The slow, obvious twin: computes every similarity anew for every place.
std::vector<size_t> Slow(const std::vector<ArrangeItem>& items, const ArrangeOptions& options,
                         const std::function<double(size_t, size_t)>& similarity) {
  double low = items[0].score, high = items[0].score;
  for (const ArrangeItem& item : items) low = std::min(low, item.score), high = std::max(high, item.score);
  std::vector<size_t> picked;
  while (picked.size() < options.count) {
    size_t best = items.size();
    double best_value = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      int same_author = 0;
      double nearest = 0;
      bool taken = false;
      for (size_t p : picked) {
        taken |= p == i;
        same_author += items[p].author == items[i].author;
        nearest = std::max(nearest, similarity(p, i));
      }
      if (taken || (options.author_cap > 0 && same_author >= options.author_cap)) continue;
      const double relevance = high > low ? (items[i].score - low) / (high - low) : 1;
      const double value = options.lambda * relevance - (1 - options.lambda) * nearest;
      if (best == items.size() || value > best_value) best = i, best_value = value;
    }
    if (best == items.size()) break;
    picked.push_back(best);
  }
  for (size_t i = 0; i < items.size() && picked.size() < options.count; ++i) {
    if (std::find(picked.begin(), picked.end(), i) == picked.end()) picked.push_back(i);
  }
  return picked;
}

TEST(ArrangeTest, EqualsTheSlowTwin) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<ArrangeItem> items(1 + random.Below(30));
    for (ArrangeItem& item : items) item = {random.Normal(), static_cast<uint32_t>(random.Below(6))};
    std::sort(items.begin(), items.end(), [](const ArrangeItem& a, const ArrangeItem& b) { return a.score > b.score; });
    std::map<std::pair<size_t, size_t>, double> table;
    for (size_t a = 0; a < items.size(); ++a) {
      for (size_t b = a; b < items.size(); ++b) table[{a, b}] = table[{b, a}] = random.Uniform();
    }
    const auto similarity = [&](size_t a, size_t b) { return table.at({a, b}); };
    const ArrangeOptions options{1 + random.Below(20), random.Uniform(), static_cast<int>(random.Below(4))};
    EXPECT_EQ(Picked(ArrangeByMarginalRelevance(items, options, similarity)), Slow(items, options, similarity));
  }
}

}  // namespace
}  // namespace feedmill::serve
