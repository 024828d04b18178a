#include "train/als.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/random.h"

namespace feedmill::train {
namespace {

using testing::HasSubstr;

// Users and items of `kinds` tastes; users act within their taste only.
std::vector<Interaction> TasteWorld(uint64_t seed, uint32_t users, uint32_t items, uint32_t kinds, int per_user) {
  Random random(seed);
  std::vector<Interaction> interactions;
  for (uint32_t user = 0; user < users; ++user) {
    for (int i = 0; i < per_user; ++i) {
      const uint32_t item = static_cast<uint32_t>(random.Below(items / kinds)) * kinds + user % kinds;
      interactions.push_back({user, item, 1 + static_cast<float>(random.Below(3))});
    }
  }
  return interactions;
}

double Loss(const std::vector<Interaction>& interactions, const AlsModel& model, const AlsOptions& options) {
  const size_t users = model.users.size() / model.dimension, items = model.items.size() / model.dimension;
  std::vector<double> user_count(users), item_count(items);
  double loss = 0;
  const auto dot = [&](uint32_t u, uint32_t i) {
    double sum = 0;
    for (uint32_t d = 0; d < model.dimension; ++d) sum += static_cast<double>(model.User(u)[d]) * model.Item(i)[d];
    return sum;
  };
  for (const Interaction& at : interactions) {
    loss += at.weight * std::pow(1 - dot(at.user, at.item), 2);
    user_count[at.user] += 1;
    item_count[at.item] += 1;
  }
  for (uint32_t u = 0; u < users; ++u) {
    for (uint32_t i = 0; i < items; ++i) loss += options.unobserved_weight * std::pow(dot(u, i), 2);
  }
  const auto ridge = [&](double count, size_t others, std::span<const float> vector) {
    double norm = 0;
    for (const float value : vector) norm += static_cast<double>(value) * value;
    return options.regularization *
           std::pow(count + options.unobserved_weight * static_cast<double>(others), options.regularization_exponent) *
           norm;
  };
  for (uint32_t u = 0; u < users; ++u) loss += ridge(user_count[u], items, model.User(u));
  for (uint32_t i = 0; i < items; ++i) loss += ridge(item_count[i], users, model.Item(i));
  return loss;
}

// Solves the normal equations of one item densely, in double, by Gaussian elimination.
std::vector<double> SlowItem(const std::vector<Interaction>& interactions, const AlsModel& model,
                             const AlsOptions& options, uint32_t item) {
  const size_t n = model.dimension, users = model.users.size() / n;
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1));
  double count = 0;
  const auto add = [&](std::span<const float> x, double weight, double target) {
    for (size_t r = 0; r < n; ++r) {
      for (size_t c = 0; c < n; ++c) a[r][c] += weight * x[r] * x[c];
      a[r][n] += target * x[r];
    }
  };
  for (uint32_t u = 0; u < users; ++u) add(model.User(u), options.unobserved_weight, 0);
  for (const Interaction& at : interactions) {
    if (at.item != item) continue;
    add(model.User(at.user), at.weight, at.weight);
    count += 1;
  }
  for (size_t r = 0; r < n; ++r) {
    a[r][r] += options.regularization * std::pow(count + options.unobserved_weight * static_cast<double>(users),
                                                 options.regularization_exponent);
  }
  for (size_t r = 0; r < n; ++r) {
    for (size_t other = 0; other < n; ++other) {
      if (other == r) continue;
      const double by = a[other][r] / a[r][r];
      for (size_t c = r; c <= n; ++c) a[other][c] -= by * a[r][c];
    }
  }
  std::vector<double> solution(n);
  for (size_t r = 0; r < n; ++r) solution[r] = a[r][n] / a[r][r];
  return solution;
}

TEST(AlsTest, EachHalfStepSolvesTheNormalEquations) {
  const auto interactions = TasteWorld(1, 60, 40, 4, 6);
  const AlsOptions options{.dimension = 16, .iterations = 3, .solver_steps = 60};
  const AlsModel model = TrainAls(interactions, 60, 40, options, nullptr).value();
  for (uint32_t item = 0; item < 40; ++item) {
    const std::vector<double> expected = SlowItem(interactions, model, options, item);
    for (size_t d = 0; d < 16; ++d) ASSERT_NEAR(model.Item(item)[d], expected[d], 2e-4) << item;
  }
}

TEST(AlsTest, LossFallsWithIterations) {
  const auto interactions = TasteWorld(2, 100, 60, 3, 8);
  AlsOptions options{.dimension = 8, .iterations = 1};
  double last = Loss(interactions, TrainAls(interactions, 100, 60, options, nullptr).value(), options);
  for (options.iterations = 2; options.iterations < 8; ++options.iterations) {
    const double next = Loss(interactions, TrainAls(interactions, 100, 60, options, nullptr).value(), options);
    EXPECT_LE(next, last * 1.0001) << options.iterations;
    last = next;
  }
}

TEST(AlsTest, SameVectorsOnAnyNumberOfThreads) {
  const auto interactions = TasteWorld(3, 900, 500, 5, 10);
  AlsOptions options{.dimension = 32, .iterations = 3, .threads = 1};
  const AlsModel one = TrainAls(interactions, 900, 500, options, nullptr).value();
  options.threads = 4;
  const AlsModel four = TrainAls(interactions, 900, 500, options, nullptr).value();
  EXPECT_EQ(std::memcmp(one.users.data(), four.users.data(), one.users.size() * sizeof(float)), 0);
  EXPECT_EQ(std::memcmp(one.items.data(), four.items.data(), one.items.size() * sizeof(float)), 0);
}

TEST(AlsTest, FindsTastesThatPopularityCannot) {
  const auto known = TasteWorld(4, 400, 200, 8, 12), later = TasteWorld(5, 400, 200, 8, 6);
  const AlsModel model = TrainAls(known, 400, 200, {.dimension = 16}, nullptr).value();
  const RecallFigures vectors = EvaluateAls(model, known, later, 20, 2),
                      popular = EvaluatePopularity(known, later, 200, 20);
  EXPECT_GT(vectors.users, 300u);
  EXPECT_EQ(vectors.users, popular.users);
  EXPECT_GT(vectors.recall, 0.95);
  EXPECT_LT(popular.recall, 0.3);
  EXPECT_GT(vectors.ndcg, popular.ndcg);
}

TEST(AlsTest, WhoDidNothingHasNoDirection) {
  const AlsModel model = TrainAls(std::vector<Interaction>{{0, 0, 1}}, 2, 2, {.dimension = 8}, nullptr).value();
  for (const float value : model.User(1)) EXPECT_EQ(value, 0);
  for (const float value : model.Item(1)) EXPECT_EQ(value, 0);
}

TEST(AlsTest, RefusesWhatIsOutOfRange) {
  EXPECT_THAT(TrainAls({}, 1, 1, {.dimension = 12}, nullptr),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("dimension 12 found")));
  EXPECT_THAT(TrainAls(std::vector<Interaction>{{3, 0, 1}}, 2, 2, {}, nullptr),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("user 3")));
  EXPECT_THAT(TrainAls(std::vector<Interaction>{{0, 0, -1}}, 2, 2, {}, nullptr),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("weight -1")));
}

std::vector<Interaction> ReadPairs(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  std::vector<Interaction> pairs;
  unsigned user = 0, item = 0;
  while (std::getline(file, line)) {
    if (std::sscanf(line.c_str(), "%u,%u", &user, &item) == 2) pairs.push_back({user, item, 1});
  }
  return pairs;
}

// A published split of real listening data: what a well-tuned implementation of this method reaches.
TEST(AlsTest, ReachesKnownFiguresOnLastFm) {
  const char* folder = std::getenv("FEEDMILL_TEST_DATA");
  const std::string base =
      std::string(folder != nullptr ? folder : FEEDMILL_SOURCE_DIR "/../shared/data") + "/lastfm_social/";
  const auto known = ReadPairs(base + "train_set.txt"), later = ReadPairs(base + "test_set.txt");
  if (known.empty() || later.empty()) GTEST_SKIP() << "no data at " << base << " (set FEEDMILL_TEST_DATA to run this)";
  const AlsOptions options{
      .dimension = 128, .iterations = 8, .unobserved_weight = 0.03, .regularization = 0.01, .threads = 2};
  const AlsModel model = TrainAls(known, 1892, 17632, options, nullptr).value();
  const RecallFigures figures = EvaluateAls(model, known, later, 20, 2);
  RecordProperty("recall20", fmt::format("{:.4f}", figures.recall));
  RecordProperty("ndcg20", fmt::format("{:.4f}", figures.ndcg));
  EXPECT_GE(figures.recall, 0.27);
  EXPECT_GE(figures.ndcg, 0.27);
  EXPECT_LT(EvaluatePopularity(known, later, 17632, 20).recall, figures.recall / 2);
}

}  // namespace
}  // namespace feedmill::train
