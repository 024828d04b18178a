// Once a second: the totals of the server, turned into rates and latencies over the last seconds, and a few minutes of
// history.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/mutex.h"

namespace feedmill::console {

struct Sample {
  double events_per_s = 0;
  double feeds_per_s = 0;
  double feed_p50_ms = 0;  // of the last kLatencyWindow seconds, 0 when there were none
  double feed_p99_ms = 0;
  double log_lag_records = 0;
};

struct Totals {
  int64_t events_total = 0;
  int64_t log_lag_records = 0;
};

inline constexpr size_t kHistorySamples = 240;
inline constexpr size_t kLatencyWindow = 60;

// Estimate of a quantile from bucket counts, by a straight line inside the bucket; 0 when empty. `counts` has one more
// than `bounds`.
double QuantileOfBuckets(const std::vector<double>& bounds, const std::vector<uint64_t>& counts, double q);

class Sampler {
 public:
  // `totals` and `feed_seconds` (may be null) are read from the sampler's thread.
  Sampler(std::function<Totals()> totals, const Histogram* feed_seconds);
  ~Sampler();
  std::vector<Sample> History() const;  // oldest first

  // One step, as the thread does it: `elapsed_s` since the step before. For tests.
  void Step(double elapsed_s);
  void Start();
  void Stop();

 private:
  void Run();

  std::function<Totals()> totals_;
  const Histogram* feed_seconds_;
  mutable Mutex mutex_;
  CondVar wake_;
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::deque<Sample> history_ FEEDMILL_GUARDED_BY(mutex_);
  std::deque<std::vector<uint64_t>> buckets_;  // sampler's thread only: kLatencyWindow + 1 states of the histogram
  Totals last_;                                // sampler's thread only
  bool first_ = true;                          // sampler's thread only
  std::thread thread_;
};

}  // namespace feedmill::console
