#include "serve/arrange.h"

#include <algorithm>
#include <unordered_map>

namespace feedmill::serve {
namespace {

// Scores moved to [0, 1] over the items, so that lambda means the same for every scorer.
std::vector<double> Relevance(std::span<const ArrangeItem> items) {
  double low = items.empty() ? 0 : items[0].score, high = low;
  for (const ArrangeItem& item : items) {
    low = std::min(low, item.score);
    high = std::max(high, item.score);
  }
  std::vector<double> relevance;
  for (const ArrangeItem& item : items) relevance.push_back(high > low ? (item.score - low) / (high - low) : 1);
  return relevance;
}

class Picker {
 public:
  Picker(std::span<const ArrangeItem> items, const ArrangeOptions& options,
         const std::function<double(size_t, size_t)>& similarity)
      : items_(items),
        options_(options),
        similarity_(similarity),
        relevance_(Relevance(items)),
        nearest_(items.size(), 0),
        picked_(items.size(), false) {}

  std::vector<Arranged> Run() {
    while (result_.size() < options_.count) {
      const size_t best = Best();
      if (best == items_.size()) break;
      Take(best, false);
    }
    for (size_t i = 0; i < items_.size() && result_.size() < options_.count; ++i) {
      if (!picked_[i]) Take(i, true);
    }
    return std::move(result_);
  }

 private:
  // Index of the best item the cap allows, items_.size() when there is none.
  size_t Best() {
    size_t best = items_.size();
    double best_value = 0;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (picked_[i] || Full(items_[i].author)) continue;
      const double value = options_.lambda * relevance_[i] - (1 - options_.lambda) * nearest_[i];
      if (best == items_.size() || value > best_value) {
        best = i;
        best_value = value;
      }
    }
    return best;
  }

  bool Full(uint32_t author) {
    if (options_.author_cap <= 0 || author == kNoAuthor) return false;
    const auto found = by_author_.find(author);
    return found != by_author_.end() && found->second >= options_.author_cap;
  }

  void Take(size_t item, bool cap_relaxed) {
    picked_[item] = true;
    ++by_author_[items_[item].author];
    result_.push_back({item, cap_relaxed});
    if (options_.lambda >= 1) return;
    for (size_t i = 0; i < items_.size(); ++i) {
      if (!picked_[i]) nearest_[i] = std::max(nearest_[i], similarity_(item, i));
    }
  }

  std::span<const ArrangeItem> items_;
  const ArrangeOptions& options_;
  const std::function<double(size_t, size_t)>& similarity_;
  std::vector<double> relevance_;
  std::vector<double> nearest_;  // to what is picked
  std::vector<bool> picked_;
  std::unordered_map<uint32_t, int> by_author_;
  std::vector<Arranged> result_;
};

}  // namespace

std::vector<Arranged> ArrangeByMarginalRelevance(std::span<const ArrangeItem> items, const ArrangeOptions& options,
                                                 const std::function<double(size_t, size_t)>& similarity) {
  return Picker(items, options, similarity).Run();
}

}  // namespace feedmill::serve
