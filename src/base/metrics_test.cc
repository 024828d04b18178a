#include "base/metrics.h"

#include <thread>

#include <gmock/gmock.h>

#include "base/random.h"

namespace feedmill {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTest, TheSameNameAndLabelsAreTheSameMetric) {
  MetricsRegistry registry;
  registry.GetCounter("events_total", "Events.", {{"kind", "a"}}).Add(2);
  registry.GetCounter("events_total", "Events.", {{"kind", "a"}}).Add();
  registry.GetCounter("events_total", "Events.", {{"kind", "b"}}).Add();
  EXPECT_EQ(registry.GetCounter("events_total", "", {{"kind", "a"}}).Value(), 3u);
  EXPECT_EQ(registry.GetCounter("events_total", "", {{"kind", "b"}}).Value(), 1u);
}

TEST(MetricsTest, TextIsWhatPrometheusReads) {
  MetricsRegistry registry;
  registry.GetCounter("b_total", "Counts \\ this\nand that.", {{"path", "/v1/\"x\""}}).Add(7);
  registry.GetGauge("a", "A gauge.").Set(1.5);
  registry.AddGaugeFunction("c", "Read when shown.", {}, [] { return 42.0; });
  Histogram& histogram = registry.GetHistogram("d_seconds", "Latency.", {{"x", "y"}}, {0.1, 1});
  histogram.Observe(0.1);
  histogram.Observe(0.5);
  histogram.Observe(7);
  EXPECT_EQ(registry.PrometheusText(),
            "# HELP a A gauge.\n# TYPE a gauge\na 1.5\n"
            "# HELP b_total Counts \\\\ this\\nand that.\n# TYPE b_total counter\nb_total{path=\"/v1/\\\"x\\\"\"} 7\n"
            "# HELP c Read when shown.\n# TYPE c gauge\nc 42\n"
            "# HELP d_seconds Latency.\n# TYPE d_seconds histogram\n"
            "d_seconds_bucket{x=\"y\",le=\"0.1\"} 1\nd_seconds_bucket{x=\"y\",le=\"1\"} 2\n"
            "d_seconds_bucket{x=\"y\",le=\"+Inf\"} 3\nd_seconds_sum{x=\"y\"} 7.6\nd_seconds_count{x=\"y\"} 3\n");
}

TEST(MetricsTest, QuantileIsNearTheExactOne) {
  Histogram histogram(LatencyBuckets());
  Random random(1);
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) values.push_back(random.Exponential(0.01));
  for (double value : values) histogram.Observe(value);
  std::sort(values.begin(), values.end());
  for (double q : {0.1, 0.5, 0.9, 0.99}) {
    double exact = values[static_cast<size_t>(q * 20'000)];
    EXPECT_NEAR(histogram.Quantile(q) / exact, 1, 0.2) << q;
  }
  EXPECT_EQ(histogram.Count(), 20'000u);
}

TEST(MetricsTest, QuantileAtTheEnds) {
  Histogram histogram({1, 2});
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  histogram.Observe(100);
  EXPECT_EQ(histogram.Quantile(0.5), 2) << "above the last bound that bound is all that is known";
}

TEST(MetricsTest, NothingIsLostBetweenThreads) {
  MetricsRegistry registry;
  Counter& counter = registry.GetCounter("n_total", "");
  Histogram& histogram = registry.GetHistogram("h", "", {}, {1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        counter.Add();
        histogram.Observe(0.5);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.Value(), 40'000u);
  EXPECT_EQ(histogram.Count(), 40'000u);
  EXPECT_DOUBLE_EQ(histogram.Sum(), 20'000);
}

TEST(MetricsDeathTest, OneNameOneKind) {
  MetricsRegistry registry;
  registry.GetCounter("x", "");
  EXPECT_DEATH(registry.GetGauge("x", ""), "metric misused");
  EXPECT_DEATH(registry.GetCounter("1x", ""), "metric misused");
}

}  // namespace
}  // namespace feedmill
