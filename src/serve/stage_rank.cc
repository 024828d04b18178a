// The models: feature rows as of now, a calibrated probability an action, and their weighted sum.
#include <algorithm>
#include <cmath>

#include "features/compute.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

bool BetterByRecall(const FeedContext& context, const Candidate& a, const Candidate& b) {
  if (a.recall != b.recall) return a.recall > b.recall;
  if (a.input.created_at != b.input.created_at) return a.input.created_at > b.input.created_at;
  return context.state->PostId(a.input.post) < context.state->PostId(b.input.post);
}

// Writes the column of one model into the row-major probabilities.
void ScoreAction(const ActionModel& model, size_t column, size_t columns, size_t rows, std::vector<double>* raw,
                 FeedContext* context) {
  raw->resize(rows);
  model.trees->Score(context->features, rows, *raw, false);
  for (size_t i = 0; i < rows; ++i) {
    context->probabilities[i * columns + column] = 1 / (1 + std::exp(-(model.slope * (*raw)[i] + model.intercept)));
  }
}

}  // namespace

void TrimCandidates(FeedContext* context) {
  std::vector<Candidate>& items = context->candidates.items();
  const size_t kept = static_cast<size_t>(std::min(context->scene->rank.candidates_max, context->candidates_max));
  if (items.size() <= kept) return;
  auto better = [&](const Candidate& a, const Candidate& b) { return BetterByRecall(*context, a, b); };
  std::nth_element(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(kept), items.end(), better);
  items.resize(kept);
}

bool CanRank(const FeedContext& context) {
  return context.scene->rank.enabled && context.bundle != nullptr && context.features_match &&
         !context.bundle->actions.empty() && !context.candidates.items().empty();
}

void RankCandidates(FeedContext* context) {
  const Bundle& bundle = *context->bundle;
  std::vector<Candidate>& items = context->candidates.items();
  for (Candidate& candidate : items) {
    candidate.model_row = static_cast<int32_t>(context->inputs.size());
    context->state->FillBuckets(bundle.feature_set, &candidate.input);
    context->inputs.push_back(candidate.input);
  }
  context->features.resize(items.size() * bundle.feature_set.features.size());
  features::ComputeFeatures(bundle.feature_set, context->state->counters(), context->user, context->as_of,
                            context->inputs, context->features);
  const size_t columns = bundle.actions.size();
  context->probabilities.resize(items.size() * columns);
  static thread_local std::vector<double> raw;
  for (size_t column = 0; column < columns; ++column) {
    const ActionModel& model = bundle.actions[column];
    const auto own = context->scene->rank.weights.find(model.action);
    context->weights.push_back(own == context->scene->rank.weights.end() ? model.weight : own->second);
    ScoreAction(model, column, columns, items.size(), &raw, context);
  }
  for (Candidate& candidate : items) {
    const double* row = &context->probabilities[static_cast<size_t>(candidate.model_row) * columns];
    for (size_t column = 0; column < columns; ++column) candidate.score += context->weights[column] * row[column];
  }
}

void OrderCandidates(FeedContext* context) {
  std::vector<Candidate>& items = context->candidates.items();
  const bool ranked = !items.empty() && items.front().model_row >= 0;
  const Order order = context->scene->rank.order;
  for (Candidate& candidate : items) {
    if (order == Order::kTime) {
      candidate.score = static_cast<double>(candidate.input.created_at) / static_cast<double>(kMicrosPerSecond);
    } else if (!(order == Order::kScore && ranked)) {
      candidate.score = candidate.recall;
    }
  }
  // A random channel has drawn its posts in random order already; its recall score falls with the rank.
  std::sort(items.begin(), items.end(), [&](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : BetterByRecall(*context, a, b);
  });
  for (size_t i = 0; i < items.size(); ++i) items[i].ranked_position = static_cast<int32_t>(i);
}

}  // namespace feedmill::serve
