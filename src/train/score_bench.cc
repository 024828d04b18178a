// Tree scoring beside LightGBM's own batch prediction, one thread each: 1,200 rows x 300 trees. Pairs in turn (A B B
// A), median of the paired ratios; nothing is printed when an output differs in one bit. The last line is one JSON
// object. score_bench [PAIRS].
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <sched.h>

#include "base/clock.h"
#include "base/cpu_time.h"
#include "model/tree_model.h"
#include "train/light_gbm.h"

namespace feedmill::train {
namespace {

constexpr size_t kRows = 1200, kColumns = 60, kTrainRows = 40'000;
constexpr int kTrees = 300, kRepeats = 5;

struct Case {
  const char* name;
  const char* parameters;
};

std::vector<float> RandomRows(std::mt19937_64& random, size_t rows) {
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * kColumns);
  for (float& value : values) value = random() % 10 == 0 ? NAN : normal(random);
  return values;
}

std::string TrainModel(const char* parameters) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  const std::vector<float> features = RandomRows(random, kTrainRows);
  std::vector<float> labels(kTrainRows);
  for (size_t r = 0; r < kTrainRows; ++r) {
    float sum = 0;
    for (size_t c = 0; c < 20; ++c)
      sum += std::isnan(features[r * kColumns + c]) ? 0.3f : std::sin(features[r * kColumns + c] * 2);
    labels[r] = sum + normal(random) > 1 ? 1.0f : 0.0f;
  }
  std::vector<std::string> names;
  for (size_t c = 0; c < kColumns; ++c) names.push_back("c" + std::to_string(c));
  const std::string all =
      std::string("objective=binary verbosity=-1 num_threads=2 deterministic=true force_row_wise=true ") + parameters;
  const auto data = Dataset::Make(
      {.features = features, .feature_names = names, .labels = labels, .weights = {}, .group_sizes = {}}, all, nullptr);
  auto booster = Booster::Make(data.value(), all);
  for (int i = 0; i < kTrees; ++i) booster->Update().value();
  return booster->ModelText(-1).value();
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double MeasureMicros(const std::function<void()>& body) {
  const double start = CpuMicros(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < kRepeats; ++i) body();
  return (CpuMicros(CLOCK_THREAD_CPUTIME_ID) - start) / kRepeats;
}

int RunCase(const Case& what, int pairs, std::string* json) {
  const std::string text = TrainModel(what.parameters);
  const auto booster = Booster::FromText(text).value();
  const auto model = model::ParseLightGbmModel(text).value();
  std::mt19937_64 random(2);
  const std::vector<float> rows = RandomRows(random, kRows);
  std::vector<double> ours(kRows), theirs(kRows);
  const auto run_ours = [&] { model->Score(rows, kRows, ours, false); };
  const auto run_theirs = [&] { booster.Predict(rows, kColumns, true, "num_threads=1", theirs).value(); };
  run_ours();
  run_theirs();
  if (std::memcmp(ours.data(), theirs.data(), kRows * sizeof(double)) != 0) {
    std::fprintf(stderr, "%s: outputs differ\n", what.name);
    return 1;
  }
  std::vector<double> ratios, controls, our_times, their_times;
  for (int pair = 0; pair < pairs; ++pair) {
    const double a1 = MeasureMicros(run_ours), b1 = MeasureMicros(run_theirs), b2 = MeasureMicros(run_theirs),
                 a2 = MeasureMicros(run_ours);
    ratios.push_back((b1 + b2) / (a1 + a2));
    controls.push_back(a1 / a2);
    our_times.push_back((a1 + a2) / 2);
    their_times.push_back((b1 + b2) / 2);
  }
  std::printf("%-10s ours %.0f us, LightGBM %.0f us (thread CPU), median ratio %.2f, A/A %.3f\n", what.name,
              Median(our_times), Median(their_times), Median(ratios), Median(controls));
  *json += fmt::format("{}\"{}\":{{\"ratio\":{:.2f},\"ours_us\":{:.1f},\"lightgbm_us\":{:.1f},\"control\":{:.3f}}}",
                       json->empty() ? "" : ",", what.name, Median(ratios), Median(our_times), Median(their_times),
                       Median(controls));
  return 0;
}

}  // namespace
}  // namespace feedmill::train

int main(int argc, char** argv) {
  using feedmill::train::Case;
  const int pairs = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 15;
  std::string json;
  int failures = 0;
  for (const Case& what : {Case{"leaves63", "num_leaves=63 min_data_in_leaf=20"},
                           Case{"depth6", "num_leaves=64 max_depth=6 min_data_in_leaf=20"}}) {
    failures += feedmill::train::RunCase(what, pairs, &json);
  }
  if (failures == 0)
    std::printf("{\"bench\":\"tree_scoring\",\"rows\":1200,\"trees\":300,\"features\":60,%s}\n", json.c_str());
  return failures;
}
