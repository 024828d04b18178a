#include "base/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include <fmt/format.h>

#include "base/log.h"

namespace feedmill {
namespace {

bool IsMetricName(std::string_view name) {
  auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == ':'; };
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) && std::ranges::all_of(name, allowed);
}

[[noreturn]] void MisusedMetric(std::string_view name, std::string_view rule) {
  log::Error("metric misused", {{"metric", name}, {"rule", rule}});
  std::abort();
}

// Backslash, newline and, in label values, the quote are escaped.
std::string Escaped(std::string_view text, bool label) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && label) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
  return out;
}

// `a="1",b="2"` without the braces.
std::string RenderLabels(const MetricLabels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    if (!IsMetricName(name)) MisusedMetric(name, "label names are letters, digits and _");
    if (!out.empty()) out += ',';
    out += fmt::format("{}=\"{}\"", name, Escaped(value, true));
  }
  return out;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void AppendSample(std::string_view name, std::string_view labels, std::string_view more, std::string_view value,
                  std::string* out) {
  out->append(name);
  if (!labels.empty() || !more.empty()) {
    out->append("{").append(labels);
    if (!labels.empty() && !more.empty()) out->push_back(',');
    out->append(more).append("}");
  }
  out->append(" ").append(value).append("\n");
}

void AppendHistogram(const std::string& name, const std::string& labels, const Histogram& histogram, std::string* out) {
  std::vector<uint64_t> counts = histogram.BucketCounts();
  uint64_t cumulated = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    cumulated += counts[i];
    double bound = i < histogram.bounds().size() ? histogram.bounds()[i] : INFINITY;
    AppendSample(name + "_bucket", labels, fmt::format("le=\"{}\"", Number(bound)), std::to_string(cumulated), out);
  }
  AppendSample(name + "_sum", labels, "", Number(histogram.Sum()), out);
  AppendSample(name + "_count", labels, "", std::to_string(cumulated), out);
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {}

void Histogram::Observe(double value) {
  auto bucket = static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::BucketCounts() const {
  std::vector<uint64_t> counts(bounds_.size() + 1);
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = counts_[i].load(std::memory_order_relaxed);
  return counts;
}

uint64_t Histogram::Count() const {
  std::vector<uint64_t> counts = BucketCounts();
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

double Histogram::Quantile(double q) const {
  std::vector<uint64_t> counts = BucketCounts();
  uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  if (total == 0 || bounds_.empty()) return 0;
  double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    auto here = static_cast<double>(counts[i]);
    if (here > 0 && below + here >= rank) {
      double low = i == 0 ? std::min(0.0, bounds_[0]) : bounds_[i - 1];
      return low + (bounds_[i] - low) * std::max(0.0, rank - below) / here;
    }
    below += here;
  }
  return bounds_.back();
}

std::vector<double> LatencyBuckets() {
  return {0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02,
          0.03,    0.05,   0.075,  0.1,    0.2,   0.5,   1,     2,     5,      10,   30};
}

MetricsRegistry::Series& MetricsRegistry::Find(std::string_view name, std::string_view help, Kind kind,
                                               const MetricLabels& labels) {
  if (!IsMetricName(name)) MisusedMetric(name, "names are letters, digits, _ and :");
  auto family = families_.find(name);
  if (family == families_.end()) family = families_.emplace(name, Family{kind, std::string(help), {}}).first;
  if (family->second.kind != kind) MisusedMetric(name, "one name, one kind of metric");
  std::unique_ptr<Series>& series = family->second.series[RenderLabels(labels)];
  if (!series) series = std::make_unique<Series>();
  return *series;
}

Counter& MetricsRegistry::GetCounter(std::string_view name, std::string_view help, MetricLabels labels) {
  MutexLock lock(mutex_);
  return Find(name, help, Kind::kCounter, labels).counter;
}

Gauge& MetricsRegistry::GetGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  MutexLock lock(mutex_);
  return Find(name, help, Kind::kGauge, labels).gauge;
}

Histogram& MetricsRegistry::GetHistogram(std::string_view name, std::string_view help, MetricLabels labels,
                                         std::vector<double> bounds) {
  if (!std::ranges::is_sorted(bounds)) MisusedMetric(name, "bucket bounds rise");
  MutexLock lock(mutex_);
  Series& series = Find(name, help, Kind::kHistogram, labels);
  if (!series.histogram) series.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *series.histogram;
}

void MetricsRegistry::AddGaugeFunction(std::string_view name, std::string_view help, MetricLabels labels,
                                       std::function<double()> read) {
  MutexLock lock(mutex_);
  Find(name, help, Kind::kGauge, labels).read = std::move(read);
}

void MetricsRegistry::AppendSeries(const std::string& name, Kind kind, const std::string& labels, const Series& series,
                                   std::string* out) {
  switch (kind) {
    case Kind::kCounter:
      AppendSample(name, labels, "", std::to_string(series.counter.Value()), out);
      return;
    case Kind::kGauge:
      AppendSample(name, labels, "", Number(series.read ? series.read() : series.gauge.Value()), out);
      return;
    case Kind::kHistogram:
      AppendHistogram(name, labels, *series.histogram, out);
      return;
  }
}

std::string MetricsRegistry::PrometheusText() const {
  static constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};
  MutexLock lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, Escaped(family.help, false), name,
                       kKindNames[static_cast<int>(family.kind)]);
    for (const auto& [labels, series] : family.series) AppendSeries(name, family.kind, labels, *series, &out);
  }
  return out;
}

}  // namespace feedmill
