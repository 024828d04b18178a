// Counters, gauges and histograms, shown in Prometheus' text format 0.0.4. A registry is made by `app` and passed to
// the rooms; it owns what it hands out, and references stay valid as long as it lives. Get* takes a lock (do it once,
// at start); Add, Set and Observe take none. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace feedmill {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void Add(uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  uint64_t Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  void Add(double by) { value_.fetch_add(by, std::memory_order_relaxed); }
  double Value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

class Histogram {
 public:
  // `bounds` are the inclusive upper bounds of the buckets, rising; one bucket above them is added.
  explicit Histogram(std::vector<double> bounds);

  void Observe(double value);
  uint64_t Count() const;
  double Sum() const { return sum_.load(std::memory_order_relaxed); }
  // Estimate by straight lines inside a bucket, q in [0, 1]; 0 when nothing was seen. Above the last bound: that bound.
  double Quantile(double q) const;

  const std::vector<double>& bounds() const { return bounds_; }
  std::vector<uint64_t> BucketCounts() const;  // one more than bounds(), not cumulated

 private:
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> counts_;
  std::atomic<double> sum_ = 0;
};

// Seconds, 50 us to 30 s, about four a decade.
std::vector<double> LatencyBuckets();

class MetricsRegistry {
 public:
  // The same name and labels give the same metric. A name used for two kinds, or one no Prometheus would read, is a bug
  // of ours and ends the process. `help` and `bounds` count the first time.
  Counter& GetCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& GetGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& GetHistogram(std::string_view name, std::string_view help, MetricLabels labels = {},
                          std::vector<double> bounds = LatencyBuckets());
  // A gauge read when shown; `read` must be callable from any thread until the registry is gone.
  void AddGaugeFunction(std::string_view name, std::string_view help, MetricLabels labels,
                        std::function<double()> read);

  std::string PrometheusText() const;

 private:
  enum class Kind { kCounter, kGauge, kHistogram };
  struct Series {
    Counter counter;
    Gauge gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> read;
  };
  struct Family {
    Kind kind;
    std::string help;
    std::map<std::string, std::unique_ptr<Series>> series;  // by rendered labels
  };
  Series& Find(std::string_view name, std::string_view help, Kind kind, const MetricLabels& labels)
      FEEDMILL_REQUIRES(mutex_);
  static void AppendSeries(const std::string& name, Kind kind, const std::string& labels, const Series& series,
                           std::string* out);

  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ FEEDMILL_GUARDED_BY(mutex_);
};

}  // namespace feedmill
