// The compiled scorer against the walker: equal to the last bit on random ensembles, on both kernels.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "model/binned_internal.h"

namespace feedmill::model {
namespace {

struct Shape {
  size_t features = 9;
  size_t trees = 20;
  size_t leaves = 31;
  int distinct_thresholds = 40;
  bool chain = false;       // each split hangs below the last one
  uint32_t categories = 0;  // > 0: half the nodes are categorical
};

// Inputs and thresholds are drawn from one small set, so that ties, zeros, infinities and NaN are common.
float RandomValue(std::mt19937_64& random, int distinct) {
  static const float kOdd[] = {0.0f, -0.0f, 1e-36f, -1e-36f, 1e-35f, 2e-35f, INFINITY, -INFINITY, NAN, NAN, 3e38f};
  if (random() % 4 == 0) return kOdd[random() % std::size(kOdd)];
  return static_cast<float>(static_cast<int>(random() % static_cast<uint64_t>(distinct)) - distinct / 2) * 0.37f;
}

double RandomThreshold(std::mt19937_64& random, int distinct) {
  static const double kOdd[] = {0.0, 1.0000000180025095e-35, -1.0000000180025095e-35, 1e300, -1e300, 0.1, INFINITY};
  if (random() % 8 == 0) return kOdd[random() % std::size(kOdd)];
  const int step = static_cast<int>(random() % static_cast<uint64_t>(distinct)) - distinct / 2;
  const double value = static_cast<double>(static_cast<float>(step) * 0.37f);
  return random() % 3 == 0 ? std::nextafter(value, random() % 2 == 0 ? 1e9 : -1e9) : value;
}

Categories RandomCategories(std::mt19937_64& random, uint32_t count) {
  Categories words((count + 31) / 32);
  for (uint32_t category = 0; category < count; ++category)
    words[category / 32] |= static_cast<uint32_t>(random() % 2) << category % 32;
  return words;
}

Tree RandomTree(std::mt19937_64& random, const Shape& shape) {
  std::normal_distribution<double> leaf;
  Tree tree;
  tree.leaves.push_back(leaf(random));
  std::vector<std::pair<int32_t, bool>> parent_of_leaf = {{-1, false}};
  while (tree.leaves.size() < shape.leaves) {
    const size_t split = shape.chain ? tree.leaves.size() - 1 : random() % tree.leaves.size();
    const int32_t node_index = static_cast<int32_t>(tree.nodes.size());
    const auto [parent, is_right] = parent_of_leaf[split];
    if (parent >= 0) (is_right ? tree.nodes[parent].right : tree.nodes[parent].left) = node_index;
    Node node;
    node.feature = static_cast<uint32_t>(random() % shape.features);
    node.missing = static_cast<MissingType>(random() % 3);
    node.default_left = random() % 2 == 0;
    node.threshold = RandomThreshold(random, shape.distinct_thresholds);
    node.left = ~static_cast<int32_t>(split);
    node.right = ~static_cast<int32_t>(tree.leaves.size());
    if (shape.categories > 0 && random() % 2 == 0) {
      node.categories = static_cast<int32_t>(tree.categories.size());
      tree.categories.push_back(RandomCategories(random, shape.categories));
    }
    tree.nodes.push_back(node);
    parent_of_leaf[split] = {node_index, false};
    parent_of_leaf.push_back({node_index, true});
    tree.leaves.push_back(leaf(random));
  }
  return tree;
}

Ensemble RandomEnsemble(uint64_t seed, const Shape& shape) {
  std::mt19937_64 random(seed);
  Ensemble ensemble;
  for (size_t i = 0; i < shape.features; ++i) ensemble.feature_names.push_back("f" + std::to_string(i));
  for (size_t i = 0; i < shape.trees; ++i) ensemble.trees.push_back(RandomTree(random, shape));
  return ensemble;
}

void ExpectSameBits(const Ensemble& ensemble, int distinct, size_t row_count, BlockKernel kernel) {
  BinnedEnsemble binned;
  ASSERT_TRUE(CompileEnsemble(ensemble, &binned));
  const auto fast = MakeBinnedModel(ensemble, binned, kernel);
  const auto slow = MakeWalkedModel(ensemble);
  std::mt19937_64 random(row_count);
  std::vector<float> rows(row_count * ensemble.feature_names.size());
  for (float& value : rows) value = RandomValue(random, distinct);
  std::vector<double> got(row_count), expected(row_count);
  fast->Score(rows, row_count, got, false);
  slow->Score(rows, row_count, expected, false);
  for (size_t i = 0; i < row_count; ++i) {
    ASSERT_EQ(std::memcmp(&got[i], &expected[i], sizeof(double)), 0)
        << "row " << i << ": " << got[i] << " != " << expected[i];
  }
}

class BinnedModelTest : public testing::TestWithParam<BlockKernel> {
  void SetUp() override {
    if (GetParam() == ScoreBlockAvx512 && !MachineHasAvx512()) GTEST_SKIP() << "this machine has no AVX-512";
  }
};

TEST_P(BinnedModelTest, RandomEnsemblesOfManyShapesScoreAsTheWalkerDoes) {
  const Shape shapes[] = {{},
                          {1, 1, 1, 3},
                          {2, 3, 2, 3},
                          {3, 5, 256, 60},
                          {40, 30, 63, 200},
                          {4, 10, 200, 30, true},
                          {300, 4, 100, 10},
                          {3, 20, 31, 40, false, 1},
                          {5, 20, 63, 60, false, 9},
                          {2, 40, 15, 1000, false, 254}};
  uint64_t seed = 1;
  for (const Shape& shape : shapes) {
    for (const size_t rows : {1, 15, 16, 127, 128, 129, 700}) {
      ExpectSameBits(RandomEnsemble(++seed, shape), shape.distinct_thresholds, rows, GetParam());
    }
  }
}

TEST_P(BinnedModelTest, ZeroRowsAndZeroTrees) {
  ExpectSameBits(RandomEnsemble(5, {.trees = 0}), 5, 10, GetParam());
  ExpectSameBits(RandomEnsemble(5, {}), 5, 0, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kernels, BinnedModelTest, testing::Values(ScoreBlockAvx2, ScoreBlockAvx512));

TEST(CompileEnsembleTest, RefusesWhatAByteCannotTellApart) {
  BinnedEnsemble binned;
  EXPECT_FALSE(CompileEnsemble(RandomEnsemble(1, {.trees = 1, .leaves = 257}), &binned));
  EXPECT_FALSE(CompileEnsemble(
      RandomEnsemble(1, {.features = 1, .trees = 100, .leaves = 63, .distinct_thresholds = 5000}), &binned));
  EXPECT_TRUE(CompileEnsemble(RandomEnsemble(1, {.trees = 1, .leaves = 256}), &binned));
  EXPECT_FALSE(CompileEnsemble(RandomEnsemble(1, {.features = 1, .trees = 9, .categories = 300}), &binned));
  Ensemble far = RandomEnsemble(1, {.trees = 1, .categories = 1});
  far.trees[0].categories[0] = Categories((1 << 24) / 32 + 1, 1);  // a float does not tell 2^24 + 1 from 2^24
  EXPECT_FALSE(CompileEnsemble(far, &binned));
}

}  // namespace
}  // namespace feedmill::model
