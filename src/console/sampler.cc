#include "console/sampler.h"

#include <algorithm>

#include "base/clock.h"

namespace feedmill::console {
namespace {

constexpr Micros kPeriod = kMicrosPerSecond;
constexpr double kMillisPerSecond = 1000;

}  // namespace

double QuantileOfBuckets(const std::vector<double>& bounds, const std::vector<uint64_t>& counts, double q) {
  uint64_t all = 0;
  for (uint64_t count : counts) all += count;
  if (all == 0) return 0;
  const double wanted = q * static_cast<double>(all);
  double below = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    const double here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= wanted) {
      const double low = i == 0 ? 0 : bounds[i - 1];
      return low + (bounds[i] - low) * (wanted - below) / here;
    }
    below += here;
  }
  return bounds.empty() ? 0 : bounds.back();
}

Sampler::Sampler(std::function<Totals()> totals, const Histogram* feed_seconds)
    : totals_(std::move(totals)), feed_seconds_(feed_seconds) {}

Sampler::~Sampler() { Stop(); }

void Sampler::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Sampler::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void Sampler::Run() {
  Micros last = MonotonicMicros();
  MutexLock lock(mutex_);
  while (!stopping_) {
    lock.Unlock();
    const Micros now = MonotonicMicros();
    Step(static_cast<double>(std::max<Micros>(now - last, 1)) / kMicrosPerSecond);
    last = now;
    lock.Lock();
    wake_.WaitFor(mutex_, kPeriod, [this]() FEEDMILL_REQUIRES(mutex_) { return stopping_; });
  }
}

void Sampler::Step(double elapsed_s) {
  const Totals totals = totals_ ? totals_() : Totals();
  Sample sample;
  sample.log_lag_records = static_cast<double>(totals.log_lag_records);
  if (!first_)
    sample.events_per_s =
        static_cast<double>(std::max<int64_t>(0, totals.events_total - last_.events_total)) / elapsed_s;
  if (feed_seconds_ != nullptr) {
    buckets_.push_back(feed_seconds_->BucketCounts());
    if (buckets_.size() > kLatencyWindow + 1) buckets_.pop_front();
    std::vector<uint64_t> recent = buckets_.back();
    uint64_t last_second = 0;
    for (size_t i = 0; i < recent.size(); ++i) {
      if (buckets_.size() > 1) last_second += recent[i] - buckets_[buckets_.size() - 2][i];
      if (buckets_.size() > 1) recent[i] -= buckets_.front()[i];
    }
    sample.feeds_per_s = static_cast<double>(last_second) / elapsed_s;
    sample.feed_p50_ms = QuantileOfBuckets(feed_seconds_->bounds(), recent, 0.5) * kMillisPerSecond;
    sample.feed_p99_ms = QuantileOfBuckets(feed_seconds_->bounds(), recent, 0.99) * kMillisPerSecond;
  }
  first_ = false;
  last_ = totals;
  MutexLock lock(mutex_);
  history_.push_back(sample);
  if (history_.size() > kHistorySamples) history_.pop_front();
}

std::vector<Sample> Sampler::History() const {
  MutexLock lock(mutex_);
  return {history_.begin(), history_.end()};
}

}  // namespace feedmill::console
