// The byte scan against the slow twin: same rows, same scores, same order, on every kernel.
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "index/scanned_index_internal.h"

namespace feedmill::index {
namespace {

std::vector<float> GaussianRows(uint64_t seed, size_t rows, size_t dimension) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dimension);
  for (float& value : values) value = normal(random);
  return values;
}

// As recall vectors look: a few directions carry most of the length, lengths differ by orders of magnitude
// (popularity).
std::vector<float> SkewedRows(uint64_t seed, size_t rows, size_t dimension) {
  std::vector<float> values = GaussianRows(seed, rows, dimension);
  std::mt19937_64 random(seed + 1);
  for (size_t r = 0; r < rows; ++r) {
    const float length = std::exp(static_cast<float>(random() % 1000) / 150.0f);
    for (size_t d = 0; d < dimension; ++d) values[r * dimension + d] *= length / static_cast<float>(1 + d);
  }
  return values;
}

void ExpectSameAnswers(std::span<const float> vectors, size_t dimension, std::span<const float> query, size_t count,
                       DotKernel kernel) {
  const auto fast = BuildScannedIndex(vectors, dimension, kernel).value();
  const auto slow = BuildSlowVectorIndex(vectors, dimension).value();
  const auto got = fast->Search(query, count), expected = slow->Search(query, count);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].row, expected[i].row)
        << "place " << i << ", scores " << got[i].score << " and " << expected[i].score;
    ASSERT_EQ(got[i].score, expected[i].score);
  }
}

class VectorIndexTest : public testing::TestWithParam<DotKernel> {
  void SetUp() override {
    if (GetParam() == DotBlocksVnni && !MachineHasVnni()) GTEST_SKIP() << "this machine has no AVX-512 VNNI";
  }
};

TEST_P(VectorIndexTest, AnswersAreExact) {
  for (const size_t dimension : {1, 3, 16, 64, 100}) {
    for (const size_t rows : {1, 15, 16, 17, 5000}) {
      const auto query = GaussianRows(dimension, 1, dimension);
      for (const size_t count : {size_t{1}, size_t{10}, size_t{1000}}) {
        ExpectSameAnswers(GaussianRows(rows, rows, dimension), dimension, query, count, GetParam());
        ExpectSameAnswers(SkewedRows(rows, rows, dimension), dimension, query, count, GetParam());
      }
    }
  }
}

TEST_P(VectorIndexTest, TiesAreOrderedByRow) {
  std::vector<float> vectors;
  for (int i = 0; i < 3000; ++i) vectors.insert(vectors.end(), {static_cast<float>(i % 3), 1.0f});
  ExpectSameAnswers(vectors, 2, std::vector<float>{1, 1}, 1500, GetParam());
  ExpectSameAnswers(std::vector<float>(5000, 0.0f), 5, std::vector<float>(5, 1.0f), 100, GetParam());
  ExpectSameAnswers(GaussianRows(1, 3000, 8), 8, std::vector<float>(8, 0.0f), 100, GetParam());
}

TEST_P(VectorIndexTest, KernelsGiveTheScalarKernelsIntegers) {
  std::mt19937_64 random(3);
  for (const size_t groups : {1, 16, 33}) {
    constexpr size_t kBlocks = 7;
    PackedQuery query{
        .groups = groups, .values = std::vector<int8_t>(groups * 4), .shifted = std::vector<uint8_t>(groups * 4)};
    std::vector<int8_t> codes(kBlocks * groups * kGroupBytes);
    // Largest magnitudes are common: that is where a 16-bit sum would overflow.
    const auto code = [&] {
      return static_cast<int8_t>(random() % 3 == 0 ? (random() % 2 == 0 ? 127 : -127)
                                                   : static_cast<int>(random() % 255) - 127);
    };
    for (int8_t& value : codes) value = code();
    for (size_t i = 0; i < query.values.size(); ++i)
      query.shifted[i] = static_cast<uint8_t>((query.values[i] = code()) + 128);
    std::vector<int32_t> sums(kBlocks * kBlockRows), got(sums.size()), expected(sums.size());
    for (size_t i = 0; i < codes.size(); ++i)
      sums[i / (groups * kGroupBytes) * kBlockRows + i % kGroupBytes / 4] += 128 * codes[i];
    GetParam()(codes.data(), sums.data(), kBlocks, query, got.data());
    DotBlocksScalar(codes.data(), sums.data(), kBlocks, query, expected.data());
    EXPECT_EQ(got, expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, VectorIndexTest, testing::Values(DotBlocksScalar, DotBlocksAvx2, DotBlocksVnni));

TEST(VectorIndexBuildTest, RefusesWhatIsNoMatrixOfNumbers) {
  EXPECT_EQ(BuildVectorIndex(std::vector<float>(7), 2).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(BuildVectorIndex(std::vector<float>(8), 0).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(BuildVectorIndex(std::vector<float>{1, 2, 3, NAN}, 2).error().message(),
            "vector 1 holds nan at dimension 1; finite numbers allowed");
}

TEST(VectorIndexBuildTest, EmptyIndexAndWrongQueryFindNothing) {
  const auto empty = BuildVectorIndex({}, 8).value();
  EXPECT_TRUE(empty->Search(std::vector<float>(8, 1.0f), 5).empty());
  const std::vector<float> one(8, 1.0f);
  EXPECT_TRUE(BuildVectorIndex(one, 8).value()->Search(std::vector<float>(7, 1.0f), 5).empty());
}

}  // namespace
}  // namespace feedmill::index
