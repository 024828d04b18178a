// Features of 1,200 candidates of one user from the template's definitions, over a table of 500k posts. Arguments:
// [actions]. The last line is one JSON object.
#include "features/compute.h"
#include "features/legacy_actions_for_test.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/random.h"

namespace feedmill::features {
namespace {

constexpr EntityHandle kUsers = 200'000;
constexpr EntityHandle kPosts = 500'000;
constexpr EntityHandle kAuthors = 20'000;
constexpr size_t kCandidates = 1200;
constexpr Micros kStart = 1'790'000'000 * kMicrosPerSecond;

CountedAction RandomAction(Random& random, int number) {
  const auto post = static_cast<EntityHandle>(random.Below(kPosts));
  const auto action =
      random.Chance(0.7) ? legacy::kImpression : static_cast<Action>(random.Below(legacy::kActionCount));
  return {static_cast<EntityHandle>(random.Below(kUsers)), post, post % kAuthors, post % 50, action, 1,
          kStart + number * (kMicrosPerSecond / 4)};
}

int Run(int actions) {
  const FeatureSet set = LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template").value();
  CounterTable counters(set);
  Random random(1);
  // The second time counts: what it costs a virtual machine to get the memory is not ours.
  double apply_us = 0;
  for (int time = 0; time < 2; ++time) {
    counters = CounterTable(set);
    const Micros begin = MonotonicMicros();
    for (int i = 0; i < actions; ++i) counters.Apply(RandomAction(random, i));
    apply_us = static_cast<double>(MonotonicMicros() - begin) / actions;
  }
  std::vector<float> out(kCandidates * set.features.size());
  std::vector<double> times;
  float kept = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<CandidateInput> candidates;
    for (size_t i = 0; i < kCandidates; ++i) {
      const auto post = static_cast<EntityHandle>(random.Below(kPosts));
      candidates.push_back({post, post % kAuthors, post % 50, kStart, 100, false});
    }
    const auto user = static_cast<EntityHandle>(random.Below(kUsers));
    const Micros at = MonotonicMicros();
    ComputeFeatures(set, counters, user, counters.NewestTime() + 1, candidates, out);
    times.push_back(static_cast<double>(MonotonicMicros() - at));
    kept += out[round];
  }
  std::ranges::sort(times);
  std::fprintf(stderr, "checksum %g\n", static_cast<double>(kept));
  std::printf(
      "{\"candidates\":%zu,\"features\":%zu,\"compute_us_p50\":%.0f,\"compute_us_p99\":%.0f,\"apply_us\":%.3f,"
      "\"counters_mb\":%.0f}\n",
      kCandidates, set.features.size(), times[times.size() / 2], times[times.size() * 99 / 100], apply_us,
      static_cast<double>(counters.MemoryBytes()) / 1e6);
  return 0;
}

}  // namespace
}  // namespace feedmill::features

int main(int argc, char** argv) {
  return feedmill::features::Run(argc > 1 ? static_cast<int>(std::strtol(argv[1], nullptr, 10)) : 5'000'000);
}
