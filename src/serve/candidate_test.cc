#include "serve/candidate.h"

#include <map>

#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill::serve {
namespace {

TEST(CandidateSetTest, JoinsTheChannelsOfAPost) {
  CandidateSet set;
  set.Add(Source::kTrending, 4, 17);
  set.Add(Source::kI2i, 1, 17, 99);
  set.Add(Source::kI2i, 2, 18, 98);
  ASSERT_EQ(set.items().size(), 2u);
  const Candidate& first = set.items()[0];
  EXPECT_EQ(first.sources, SourceBit(Source::kTrending) | SourceBit(Source::kI2i));
  EXPECT_EQ(first.best, Source::kI2i);
  EXPECT_EQ(first.because, 99u);
  EXPECT_FLOAT_EQ(first.recall, 1 / 64.0F + 1 / 61.0F);
}

TEST(CandidateSetTest, AChannelCountsOnceAndTheEarlierKeepsEqualRanks) {
  CandidateSet set;
  set.Add(Source::kInNetwork, 0, 1);
  set.Add(Source::kInNetwork, 5, 1);
  set.Add(Source::kFresh, 0, 1);
  EXPECT_EQ(set.items()[0].best, Source::kInNetwork);
  EXPECT_FLOAT_EQ(set.items()[0].recall, 2 / 60.0F);
}

TEST(CandidateSetTest, ChannelsCountByTheirWeight) {
  CandidateSet set;
  std::array<float, kChannelCount> weights;
  weights.fill(1);
  weights[static_cast<size_t>(Source::kVector)] = 3;
  set.SetFusion(weights, 10);
  set.Add(Source::kVector, 2, 1);
  set.Add(Source::kTrending, 0, 1);
  EXPECT_FLOAT_EQ(set.items()[0].recall, 3 / 12.0F + 1 / 10.0F);
}

TEST(CandidateSetTest, EqualsAMapOverManyPostsAndIsCleared) {
  CandidateSet set;
  Random random(5);
  for (int round = 0; round < 3; ++round) {
    set.Clear();
    std::map<uint32_t, SourceSet> twin;
    for (int i = 0; i < 20'000; ++i) {
      const uint32_t post = static_cast<uint32_t>(random.Below(9000));
      const Source source = static_cast<Source>(random.Below(kChannelCount));
      set.Add(source, i, post);
      twin[post] |= SourceBit(source);
    }
    ASSERT_EQ(set.items().size(), twin.size());
    for (const Candidate& candidate : set.items()) EXPECT_EQ(candidate.sources, twin.at(candidate.input.post));
  }
}

TEST(SourceTest, NamesReadBack) {
  for (int i = 0; i < kChannelCount; ++i)
    EXPECT_EQ(ChannelFromName(SourceName(static_cast<Source>(i))), static_cast<Source>(i));
  EXPECT_FALSE(ChannelFromName("fallback").has_value());
}

}  // namespace
}  // namespace feedmill::serve
