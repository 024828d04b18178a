// Ranked lists of vectors, and of popularity, against what users did later.
#include <algorithm>

#include "base/thread_pool.h"
#include "train/als.h"
#include "train/metrics.h"
#include "train/vector_math_internal.h"

namespace feedmill::train {
namespace {

constexpr size_t kUserGrain = 32;

std::vector<std::vector<uint32_t>> ItemsByUser(std::span<const Interaction> interactions, size_t user_count) {
  std::vector<std::vector<uint32_t>> items(user_count);
  for (const Interaction& interaction : interactions) items[interaction.user].push_back(interaction.item);
  for (auto& of_user : items) {
    std::ranges::sort(of_user);
    of_user.erase(std::unique(of_user.begin(), of_user.end()), of_user.end());
  }
  return items;
}

size_t UserCount(std::span<const Interaction> known, std::span<const Interaction> later) {
  uint32_t last = 0;
  for (const Interaction& interaction : known) last = std::max(last, interaction.user);
  for (const Interaction& interaction : later) last = std::max(last, interaction.user);
  return size_t{last} + 1;
}

// The k best items not in `known` (sorted), ties by number.
std::vector<uint32_t> BestUnknown(std::span<const float> scores, std::span<const uint32_t> known, size_t k) {
  std::vector<uint32_t> items;
  for (uint32_t item = 0; item < scores.size(); ++item) {
    if (!std::ranges::binary_search(known, item)) items.push_back(item);
  }
  k = std::min(k, items.size());
  std::partial_sort(items.begin(), items.begin() + static_cast<ptrdiff_t>(k), items.end(),
                    [&](uint32_t a, uint32_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  items.resize(k);
  return items;
}

// What counts as a hit: new to the user.
std::vector<uint32_t> NewItems(std::span<const uint32_t> later, std::span<const uint32_t> known) {
  std::vector<uint32_t> fresh;
  std::ranges::set_difference(later, known, std::back_inserter(fresh));
  return fresh;
}

template <typename ScoreUser>
RecallFigures Evaluate(std::span<const Interaction> known, std::span<const Interaction> later, size_t k, int threads,
                       ScoreUser score_user) {
  const size_t user_count = UserCount(known, later);
  const auto known_items = ItemsByUser(known, user_count), later_items = ItemsByUser(later, user_count);
  std::vector<double> recalls(user_count, -1), ndcgs(user_count);
  ThreadPool pool(threads - 1);
  pool.ParallelFor(user_count, kUserGrain, [&](size_t begin, size_t end) {
    std::vector<float> scores;
    for (size_t user = begin; user < end; ++user) {
      const std::vector<uint32_t> hits = NewItems(later_items[user], known_items[user]);
      if (hits.empty()) continue;
      score_user(static_cast<uint32_t>(user), &scores);
      const std::vector<uint32_t> ranked = BestUnknown(scores, known_items[user], k);
      recalls[user] = RecallAt(ranked, hits, k);
      ndcgs[user] = NdcgAt(ranked, hits, k);
    }
  });
  RecallFigures figures;
  for (size_t user = 0; user < user_count; ++user) {
    if (recalls[user] < 0) continue;
    figures.recall += recalls[user];
    figures.ndcg += ndcgs[user];
    ++figures.users;
  }
  if (figures.users == 0) return figures;
  figures.recall /= static_cast<double>(figures.users);
  figures.ndcg /= static_cast<double>(figures.users);
  return figures;
}

}  // namespace

RecallFigures EvaluateAls(const AlsModel& model, std::span<const Interaction> known, std::span<const Interaction> later,
                          size_t k, int threads) {
  const size_t item_count = model.items.size() / model.dimension;
  return Evaluate(known, later, k, threads, [&](uint32_t user, std::vector<float>* scores) {
    scores->resize(item_count);
    const float* x = model.User(user).data();
    for (uint32_t item = 0; item < item_count; ++item)
      (*scores)[item] = Dot(x, model.Item(item).data(), model.dimension);
  });
}

RecallFigures EvaluatePopularity(std::span<const Interaction> known, std::span<const Interaction> later,
                                 uint32_t item_count, size_t k) {
  std::vector<float> popularity(item_count);
  for (const Interaction& interaction : known) popularity[interaction.item] += interaction.weight;
  return Evaluate(known, later, k, 1, [&](uint32_t, std::vector<float>* scores) { *scores = popularity; });
}

}  // namespace feedmill::train
