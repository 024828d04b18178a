#include "serve/candidate.h"

#include <algorithm>

#include "base/random.h"

namespace feedmill::serve {
namespace {

constexpr size_t kSlotsFirst = 2048;

}  // namespace

std::string_view MoveName(Move move) {
  switch (move) {
    case Move::kNone:
      return "";
    case Move::kDiversity:
      return "diversity";
    case Move::kAuthorCap:
      return "author_cap";
    case Move::kCapRelaxed:
      return "author_cap_relaxed";
    case Move::kFreshQuota:
      return "fresh_quota";
    case Move::kInterest:
      return "interest";
    case Move::kExploration:
      return "exploration";
    case Move::kFallback:
      return "fallback";
  }
  return "";
}

void CandidateSet::Clear() {
  items_.clear();
  std::fill(slots_.begin(), slots_.end(), 0);
}

void CandidateSet::SetFusion(std::span<const float> weights, float offset) {
  std::copy_n(weights.begin(), weights_.size(), weights_.begin());
  offset_ = offset;
}

size_t CandidateSet::Slot(features::EntityHandle post) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = Mix64(post) & mask;
  while (slots_[slot] != 0 && items_[slots_[slot] - 1].input.post != post) slot = (slot + 1) & mask;
  return slot;
}

void CandidateSet::Grow() {
  slots_.assign(std::max(kSlotsFirst, slots_.size() * 2), 0);
  for (size_t i = 0; i < items_.size(); ++i) slots_[Slot(items_[i].input.post)] = static_cast<uint32_t>(i + 1);
}

void CandidateSet::Add(Source source, int rank, features::EntityHandle post, features::EntityHandle because) {
  if ((items_.size() + 1) * 2 > slots_.size()) Grow();
  const size_t slot = Slot(post);
  if (slots_[slot] == 0) {
    items_.emplace_back().input.post = post;
    slots_[slot] = static_cast<uint32_t>(items_.size());
  }
  Candidate& candidate = items_[slots_[slot] - 1];
  if ((candidate.sources & SourceBit(source)) != 0) return;
  candidate.sources |= SourceBit(source);
  candidate.recall += weights_[static_cast<size_t>(source)] / (offset_ + static_cast<float>(rank));
  if (rank < candidate.best_rank) {
    candidate.best = source;
    candidate.best_rank = static_cast<uint16_t>(std::min(rank, 0xfffe));
    candidate.because = because;
  }
}

}  // namespace feedmill::serve
