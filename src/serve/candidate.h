// A candidate of a feed and the set of them that recall fills.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "features/compute.h"
#include "serve/source.h"

namespace feedmill::serve {

// Why an item stands where it stands after re-ranking; kNone when its score alone put it there.
enum class Move : uint8_t {
  kNone,
  kDiversity,
  kAuthorCap,
  kCapRelaxed,
  kFreshQuota,
  kInterest,
  kExploration,
  kFallback
};
std::string_view MoveName(Move move);

struct Candidate {
  features::CandidateInput input;  // filled by the hydrate stage, but for the post
  SourceSet sources = 0;
  Source best = Source::kFallback;                       // the channel that ranked it highest; the first of equals
  uint16_t best_rank = 0xffff;                           // there, from 0
  features::EntityHandle because = features::kNoEntity;  // the user's own post that led here (i2i)
  float recall = 0;                                      // reciprocal rank fusion over the channels
  double score = 0;                                      // what the order of the page is made from
  int32_t model_row = -1;        // row of FeedContext::features and ::probabilities, -1: not scored
  int32_t ranked_position = -1;  // before re-ranking
  Move move = Move::kNone;
};

// A channel's rank-th find counts weight / (offset + rank) in the fused score (Cormack, Clarke, Buettcher 2009, k =
// 60).
inline constexpr float kFusionOffset = 60;

// Candidates without repetition, in the order they were first seen. Kept from request to request, so that the hot path
// allocates nothing.
class CandidateSet {
 public:
  void Clear();
  // How much each channel counts (by Source, 0 or more) and how fast its ranks fade; 1 and kFusionOffset until set.
  void SetFusion(std::span<const float> weights, float offset);
  // The channel's `rank`-th find (from 0). `because`: see Candidate.
  void Add(Source source, int rank, features::EntityHandle post, features::EntityHandle because = features::kNoEntity);
  std::vector<Candidate>& items() { return items_; }
  const std::vector<Candidate>& items() const { return items_; }

 private:
  void Grow();
  size_t Slot(features::EntityHandle post) const;

  std::array<float, kChannelCount> weights_ = {1, 1, 1, 1, 1, 1, 1};
  float offset_ = kFusionOffset;
  std::vector<Candidate> items_;
  std::vector<uint32_t> slots_;  // 1 + index into items_, 0 = free; a power of two, at most half full
};

}  // namespace feedmill::serve
