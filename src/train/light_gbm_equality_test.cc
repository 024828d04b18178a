// The house's scorer against LightGBM itself: every score equal to the last bit.
#include <cmath>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include "model/tree_model.h"
#include "train/light_gbm.h"

namespace feedmill::train {
namespace {

struct World {
  std::vector<float> features;
  std::vector<float> labels;
  std::vector<int32_t> groups;
  std::vector<std::string> names;
};

// Columns of every kind that LightGBM treats apart: dense, with NaN, with many zeros, few distinct values, tiny values.
World MakeWorld(uint64_t seed, size_t rows, size_t columns, int largest_label) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  World world;
  for (size_t c = 0; c < columns; ++c) world.names.push_back("c" + std::to_string(c));
  for (size_t r = 0; r < rows; ++r) {
    float signal = 0;
    for (size_t c = 0; c < columns; ++c) {
      float value = normal(random);
      if (c % 5 == 1 && random() % 3 == 0) value = NAN;
      if (c % 5 == 2 && random() % 2 == 0) value = 0;
      if (c % 5 == 3) value = static_cast<float>(static_cast<int>(value * 2));
      if (c % 5 == 4 && random() % 4 == 0) value = std::ldexp(value, -130);
      if (c < 6 && !std::isnan(value)) signal += value * (c % 2 == 0 ? 1.0f : -0.7f);
      world.features.push_back(value);
    }
    const float noisy = signal + normal(random);
    world.labels.push_back(noisy > 1.5f ? static_cast<float>(largest_label) : noisy > 0 ? 1.0f : 0.0f);
  }
  for (size_t r = 0; r < rows; r += 10) world.groups.push_back(static_cast<int32_t>(std::min<size_t>(10, rows - r)));
  return world;
}

std::string Train(const World& world, const std::string& parameters, bool grouped, int rounds) {
  DatasetInput input{.features = world.features,
                     .feature_names = world.names,
                     .labels = world.labels,
                     .weights = {},
                     .group_sizes = {}};
  if (grouped) input.group_sizes = world.groups;
  auto data = Dataset::Make(input, parameters, nullptr);
  EXPECT_TRUE(data.has_value()) << data.error().ToString();
  auto booster = Booster::Make(*data, parameters);
  EXPECT_TRUE(booster.has_value()) << booster.error().ToString();
  for (int i = 0; i < rounds; ++i) EXPECT_TRUE(booster->Update().has_value());
  return booster->ModelText(-1).value();
}

// Training rows are where values sit exactly on thresholds; half of the probes are thresholds' neighbours in float.
std::vector<float> Probes(const World& world, uint64_t seed) {
  std::vector<float> probes = world.features;
  std::mt19937_64 random(seed);
  for (size_t i = 0; i < probes.size(); i += 2) {
    const uint64_t kind = random() % 8;
    if (kind == 0) probes[i] = NAN;
    if (kind == 1) probes[i] = 0;
    if (kind == 2) probes[i] = std::nextafter(probes[i], 100.0f);
    if (kind == 3) probes[i] = std::nextafter(probes[i], -100.0f);
    if (kind == 4) probes[i] = std::numeric_limits<float>::infinity() * (random() % 2 == 0 ? 1.0f : -1.0f);
    if (kind == 5) probes[i] = 1e-35f;
  }
  return probes;
}

void ExpectEqualScores(const World& world, const std::string& text) {
  const auto booster = Booster::FromText(text);
  ASSERT_TRUE(booster.has_value()) << booster.error().ToString();
  const std::vector<float> probes = Probes(world, 99);
  const size_t rows = world.labels.size();
  for (const bool raw : {true, false}) {
    std::vector<double> theirs(rows), ours(rows), slow(rows);
    ASSERT_TRUE(booster->Predict(probes, world.names.size(), raw, "num_threads=1", theirs).has_value());
    model::ParseLightGbmModel(text).value()->Score(probes, rows, ours, !raw);
    model::ParseLightGbmModelSlow(text).value()->Score(probes, rows, slow, !raw);
    for (size_t i = 0; i < rows; ++i) {
      ASSERT_EQ(std::memcmp(&ours[i], &theirs[i], sizeof(double)), 0)
          << "row " << i << ": " << ours[i] << " != " << theirs[i];
      ASSERT_EQ(std::memcmp(&slow[i], &theirs[i], sizeof(double)), 0) << "row " << i;
    }
  }
}

constexpr char kCommon[] = "verbosity=-1 num_threads=1 deterministic=true seed=7 min_data_in_leaf=5 ";

TEST(LightGbmEqualityTest, BinaryWithEveryKindOfMissing) {
  const World world = MakeWorld(1, 3000, 12, 1);
  for (const char* more : {"num_leaves=63", "num_leaves=31 zero_as_missing=true", "num_leaves=31 use_missing=false",
                           "num_leaves=7 sigmoid=2.5", "num_leaves=255 max_depth=20",
                           "num_leaves=63 feature_fraction=0.4 bagging_fraction=0.5 bagging_freq=1"}) {
    SCOPED_TRACE(more);
    ExpectEqualScores(world, Train(world, std::string(kCommon) + "objective=binary " + more, false, 60));
  }
}

// Numbers that need a set of up to 40 bits, and few enough for LightGBM's one-against-the-rest splits.
World WithCategories(World world) {
  const size_t columns = world.names.size();
  std::mt19937_64 random(11);
  for (size_t row = 0; row < world.labels.size(); ++row) {
    float* values = world.features.data() + row * columns;
    const auto many = static_cast<float>(random() % 40), few = static_cast<float>(random() % 3);
    values[0] = random() % 20 == 0 ? NAN : many;
    values[3] = few;
    if (static_cast<int>(many) % 3 == 0 && random() % 4 != 0) world.labels[row] = 1;
    if (few == 2 && random() % 3 == 0) world.labels[row] = 0;
  }
  return world;
}

TEST(LightGbmEqualityTest, Categories) {
  const World world = WithCategories(MakeWorld(7, 4000, 8, 1));
  const std::string text = Train(
      world, std::string(kCommon) + "objective=binary num_leaves=31 min_data_per_group=10 categorical_feature=0,3",
      false, 60);
  EXPECT_NE(text.find("cat_threshold="), std::string::npos);
  ExpectEqualScores(world, text);
}

TEST(LightGbmEqualityTest, RankingObjectives) {
  const World world = MakeWorld(2, 3000, 20, 3);
  for (const char* objective :
       {"objective=lambdarank num_leaves=63", "objective=rank_xendcg num_leaves=31 max_depth=6"}) {
    SCOPED_TRACE(objective);
    ExpectEqualScores(world, Train(world, std::string(kCommon) + objective, true, 60));
  }
}

TEST(LightGbmEqualityTest, MoreThresholdsOrLeavesThanAByte) {
  const World world = MakeWorld(3, 6000, 4, 1);
  ExpectEqualScores(world,
                    Train(world, std::string(kCommon) + "objective=binary num_leaves=63 max_bin=2000", false, 100));
  ExpectEqualScores(world, Train(world, std::string(kCommon) + "objective=binary num_leaves=500", false, 20));
}

TEST(LightGbmEqualityTest, SingleLeafTrees) {
  World world = MakeWorld(4, 500, 3, 1);
  std::ranges::fill(world.features, 1.0f);
  ExpectEqualScores(world, Train(world, std::string(kCommon) + "objective=binary", false, 3));
}

TEST(LightGbmEqualityTest, LinearModelsAreRefusedByName) {
  const World world = MakeWorld(5, 1000, 6, 1);
  const std::string linear = Train(world, std::string(kCommon) + "objective=binary linear_tree=true", false, 3);
  EXPECT_NE(model::ParseLightGbmModel(linear).error().message().find("linear trees"), std::string::npos);
}

}  // namespace
}  // namespace feedmill::train
