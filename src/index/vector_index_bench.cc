// Exact search over 500,000 x 64: the byte scan beside the float scan and beside the floor (reading the same bytes
// once). Pairs in turn (A B B A), median of the paired ratios; prints nothing when an answer differs. The last line is
// one JSON object.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>

#include <fmt/format.h>

#include "base/cpu_time.h"
#include "index/scanned_index_internal.h"

namespace feedmill::index {
namespace {

constexpr size_t kRows = 500'000, kDimension = 64, kCount = 1000;
constexpr int kPairs = 9;

std::vector<float> RandomRows(std::mt19937_64& random, size_t rows) {
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * kDimension);
  for (float& value : values) value = normal(random);
  return values;
}

double MeasureMicros(const std::function<void()>& body) {
  const double start = CpuMicros(CLOCK_THREAD_CPUTIME_ID);
  body();
  return CpuMicros(CLOCK_THREAD_CPUTIME_ID) - start;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

bool SameAnswers(const std::vector<Neighbour>& a, const std::vector<Neighbour>& b) {
  return std::ranges::equal(
      a, b, [](const Neighbour& x, const Neighbour& y) { return x.row == y.row && x.score == y.score; });
}

// Sums the codes as 64-bit words: the fewest instructions that touch every byte.
uint64_t ReadAll(const std::vector<uint64_t>& words) {
  uint64_t sum = 0;
  for (const uint64_t word : words) sum += word;
  return sum;
}

int Run() {
  std::mt19937_64 random(1);
  const std::vector<float> vectors = RandomRows(random, kRows);
  const auto fast = BuildVectorIndex(vectors, kDimension).value();
  const auto portable = BuildScannedIndex(vectors, kDimension, DotBlocksAvx2).value();
  const auto slow = BuildSlowVectorIndex(vectors, kDimension).value();
  const std::vector<uint64_t> words(kRows * kDimension / 8, 1);
  std::vector<double> ratios, fast_times, avx2_times, slow_times, floors;
  uint64_t checksum = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    const std::vector<float> query = RandomRows(random, 1);
    std::vector<Neighbour> ours, theirs;
    const auto run_fast = [&] { ours = fast->Search(query, kCount); };
    const auto run_slow = [&] { theirs = slow->Search(query, kCount); };
    const double a1 = MeasureMicros(run_fast), b1 = MeasureMicros(run_slow), b2 = MeasureMicros(run_slow),
                 a2 = MeasureMicros(run_fast);
    if (!SameAnswers(ours, theirs)) return std::fprintf(stderr, "answers differ\n"), 1;
    avx2_times.push_back(MeasureMicros([&] { ours = portable->Search(query, kCount); }));
    floors.push_back(MeasureMicros([&] { checksum += ReadAll(words); }));
    ratios.push_back((b1 + b2) / (a1 + a2));
    fast_times.push_back((a1 + a2) / 2);
    slow_times.push_back((b1 + b2) / 2);
  }
  if (checksum == 0) return 1;
  fmt::print(
      "{{\"bench\":\"vector_scan\",\"rows\":{},\"dimension\":{},\"k\":{},\"recall\":1.000,\"scan_us\":{:.0f},\"avx2_"
      "us\":{:.0f},\"float_scan_us\":{:.0f},"
      "\"ratio\":{:.2f},\"floor_us\":{:.0f},\"fraction_of_floor\":{:.2f}}}\n",
      kRows, kDimension, kCount, Median(fast_times), Median(avx2_times), Median(slow_times), Median(ratios),
      Median(floors), Median(floors) / Median(fast_times));
  return 0;
}

}  // namespace
}  // namespace feedmill::index

int main() { return feedmill::index::Run(); }
