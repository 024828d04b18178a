#include "train/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace feedmill::train {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::vector<uint32_t> OrderBy(size_t count, auto less) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, less);
  return order;
}

// Calls visit(first, last) for each run of rows with equal key in `order`.
template <typename Key, typename Visit>
void ForEachRun(std::span<const uint32_t> order, Key key, Visit visit) {
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last < order.size() && key(order[last]) == key(order[first])) ++last;
    visit(order.subspan(first, last - first));
    first = last;
  }
}

struct Counted {
  double positives = 0;
  double negatives = 0;
};

Counted Count(std::span<const uint32_t> rows, std::span<const uint8_t> labels) {
  Counted counted;
  for (const uint32_t row : rows) (labels[row] != 0 ? counted.positives : counted.negatives) += 1;
  return counted;
}

// `rows` sorted by score ascending.
double AucOf(std::span<const uint32_t> rows, std::span<const uint8_t> labels, std::span<const double> scores) {
  const Counted all = Count(rows, labels);
  if (all.positives == 0 || all.negatives == 0) return kNothing;
  double below = 0, wins = 0;
  ForEachRun(
      rows, [&](uint32_t row) { return scores[row]; },
      [&](std::span<const uint32_t> run) {
        const Counted tied = Count(run, labels);
        wins += tied.positives * (below + tied.negatives / 2);
        below += tied.negatives;
      });
  return wins / (all.positives * all.negatives);
}

double Discount(size_t place) { return 1 / std::log2(static_cast<double>(place) + 2); }  // place from 0

double SumOfDiscounts(size_t first, size_t last) {
  double sum = 0;
  for (size_t place = first; place < last; ++place) sum += Discount(place);
  return sum;
}

// `rows` of one group sorted by score ascending.
double NdcgOf(std::span<const uint32_t> rows, std::span<const uint8_t> labels, std::span<const double> scores,
              size_t k) {
  const size_t positives = static_cast<size_t>(Count(rows, labels).positives);
  if (positives == 0) return kNothing;
  double gain = 0;
  ForEachRun(
      rows, [&](uint32_t row) { return scores[row]; },
      [&](std::span<const uint32_t> run) {
        const size_t end = rows.size() - static_cast<size_t>(run.data() - rows.data());  // places from the top
        const size_t start = end - run.size();
        if (start >= k) return;
        gain +=
            Count(run, labels).positives / static_cast<double>(run.size()) * SumOfDiscounts(start, std::min(end, k));
      });
  return gain / SumOfDiscounts(0, std::min(positives, k));
}

std::vector<uint32_t> ByGroupAndScore(std::span<const double> scores, std::span<const uint32_t> groups) {
  return OrderBy(scores.size(), [&](uint32_t a, uint32_t b) {
    return groups[a] != groups[b] ? groups[a] < groups[b] : scores[a] < scores[b];
  });
}

}  // namespace

double Auc(std::span<const uint8_t> labels, std::span<const double> scores) {
  const auto order = OrderBy(scores.size(), [&](uint32_t a, uint32_t b) { return scores[a] < scores[b]; });
  return AucOf(order, labels, scores);
}

double GroupedAuc(std::span<const uint8_t> labels, std::span<const double> scores, std::span<const uint32_t> groups) {
  double sum = 0, weight = 0;
  const auto order = ByGroupAndScore(scores, groups);
  ForEachRun(
      std::span<const uint32_t>(order), [&](uint32_t row) { return groups[row]; },
      [&](std::span<const uint32_t> rows) {
        const double auc = AucOf(rows, labels, scores);
        if (std::isnan(auc)) return;
        sum += auc * static_cast<double>(rows.size());
        weight += static_cast<double>(rows.size());
      });
  return weight > 0 ? sum / weight : kNothing;
}

double Ndcg(std::span<const uint8_t> labels, std::span<const double> scores, std::span<const uint32_t> groups, int k) {
  double sum = 0, count = 0;
  const auto order = ByGroupAndScore(scores, groups);
  ForEachRun(
      std::span<const uint32_t>(order), [&](uint32_t row) { return groups[row]; },
      [&](std::span<const uint32_t> rows) {
        const double ndcg = NdcgOf(rows, labels, scores, static_cast<size_t>(k));
        if (std::isnan(ndcg)) return;
        sum += ndcg;
        count += 1;
      });
  return count > 0 ? sum / count : kNothing;
}

double LogLoss(std::span<const uint8_t> labels, std::span<const double> probabilities) {
  constexpr double kEdge = 1e-12;
  double sum = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double p = std::clamp(probabilities[i], kEdge, 1 - kEdge);
    sum -= std::log(labels[i] != 0 ? p : 1 - p);
  }
  return labels.empty() ? kNothing : sum / static_cast<double>(labels.size());
}

double CalibrationError(std::span<const uint8_t> labels, std::span<const double> probabilities, int bins) {
  if (labels.empty()) return kNothing;
  const auto order =
      OrderBy(labels.size(), [&](uint32_t a, uint32_t b) { return probabilities[a] < probabilities[b]; });
  double error = 0;
  for (size_t bin = 0; bin < static_cast<size_t>(bins); ++bin) {
    double difference = 0;
    const size_t first = order.size() * bin / static_cast<size_t>(bins),
                 last = order.size() * (bin + 1) / static_cast<size_t>(bins);
    for (size_t i = first; i < last; ++i) difference += probabilities[order[i]] - (labels[order[i]] != 0 ? 1 : 0);
    error += std::fabs(difference);
  }
  return error / static_cast<double>(labels.size());
}

double RecallAt(std::span<const uint32_t> ranked, std::span<const uint32_t> relevant, size_t k) {
  size_t hits = 0;
  for (const uint32_t item : ranked.first(std::min(k, ranked.size())))
    hits += std::ranges::binary_search(relevant, item) ? 1 : 0;
  return static_cast<double>(hits) / static_cast<double>(relevant.size());
}

double NdcgAt(std::span<const uint32_t> ranked, std::span<const uint32_t> relevant, size_t k) {
  double gain = 0;
  for (size_t place = 0; place < std::min(k, ranked.size()); ++place) {
    if (std::ranges::binary_search(relevant, ranked[place])) gain += Discount(place);
  }
  return gain / SumOfDiscounts(0, std::min(k, relevant.size()));
}

}  // namespace feedmill::train
