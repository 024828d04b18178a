// The page: variety by marginal relevance, few posts of one author, a share for new posts, and a little exploration.
#include <algorithm>
#include <cmath>

#include "serve/arrange.h"
#include "serve/recall.h"
#include "serve/stage.h"
#include "serve/user_vector.h"

namespace feedmill::serve {
namespace {

constexpr double kSameAuthor = 1;
constexpr double kSameTopic = 0.6;

// How alike two posts are: by vectors where both have one, else by author and topic.
class Similarity {
 public:
  Similarity(const FeedContext& context, std::span<const Candidate> pool) : pool_(pool) {
    vectors_.resize(pool.size());
    norms_.resize(pool.size(), 0);
    if (context.bundle == nullptr) return;
    for (size_t i = 0; i < pool.size(); ++i) {
      vectors_[i] = PostVector(*context.bundle, context.state->PostId(pool[i].input.post));
      norms_[i] = std::sqrt(Dot(vectors_[i], vectors_[i]));
    }
  }

  double operator()(size_t a, size_t b) const {
    const double same = Same(pool_[a].input, pool_[b].input);
    if (norms_[a] <= 0 || norms_[b] <= 0) return same;
    return std::clamp(std::max(same * 0.5, Dot(vectors_[a], vectors_[b]) / (norms_[a] * norms_[b])), 0.0, 1.0);
  }

 private:
  static double Dot(std::span<const float> a, std::span<const float> b) {
    // Eight sums at once, which the compiler keeps in one register.
    constexpr size_t kLanes = 8;
    float sums[kLanes] = {};
    size_t i = 0;
    for (; i + kLanes <= a.size(); i += kLanes) {
      for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    double sum = 0;
    for (; i < a.size(); ++i) sum += a[i] * b[i];
    for (float part : sums) sum += part;
    return sum;
  }
  static double Same(const features::CandidateInput& a, const features::CandidateInput& b) {
    if (a.author == b.author && a.author != features::kNoEntity) return kSameAuthor;
    return a.topic == b.topic && a.topic != features::kNoEntity ? kSameTopic : 0;
  }

  std::span<const Candidate> pool_;
  std::vector<std::span<const float>> vectors_;
  std::vector<double> norms_;
};

// A page and what else could be on it.
class Page {
 public:
  explicit Page(FeedContext* context)
      : context_(context), settings_(context->scene->rerank), all_(context->candidates.items()) {}

  void Arrange(size_t places) {
    const size_t pool = std::min(all_.size(), std::max(places, static_cast<size_t>(settings_.pool)));
    std::vector<ArrangeItem> items;
    for (size_t i = 0; i < pool; ++i) items.push_back({all_[i].score, all_[i].input.author});
    const Similarity similarity(*context_, std::span(all_).first(settings_.mmr_lambda < 1 ? pool : 0));
    const ArrangeOptions options{places, settings_.mmr_lambda, settings_.author_cap};
    for (const Arranged& arranged : ArrangeByMarginalRelevance(items, options, std::cref(similarity))) {
      Candidate candidate = all_[arranged.item];
      // Lower than by score alone: others were taken first because they differ more, or because the cap held it back.
      if (arranged.cap_relaxed) {
        candidate.move = Move::kCapRelaxed;
      } else if (context_->page.size() != arranged.item) {
        candidate.move = context_->page.size() < arranged.item && settings_.author_cap > 0 && settings_.mmr_lambda >= 1
                             ? Move::kAuthorCap
                             : Move::kDiversity;
      }
      context_->page.push_back(candidate);
    }
  }

  void KeepFreshShare() {
    KeepShare(settings_.fresh_share, Move::kFreshQuota,
              [this](const Candidate& candidate) { return Young(candidate); });
  }

  // A newcomer's page holds what they told; later their actions speak.
  void KeepInterestShare() {
    if (!context_->is_newcomer || context_->told_topics.empty()) return;
    KeepShare(settings_.interest_share, Move::kInterest,
              [this](const Candidate& candidate) { return Told(candidate); });
  }

  // Gives each place with a small chance to a new post drawn from those the channels brought.
  void Explore() {
    if (settings_.exploration_share <= 0) return;
    std::vector<const Candidate*> young;
    for (const Candidate& candidate : all_) {
      if (Young(candidate) && !OnPage(candidate)) young.push_back(&candidate);
    }
    for (Candidate& place : context_->page) {
      if (!context_->random.Chance(settings_.exploration_share) || young.empty()) continue;
      const size_t drawn = context_->random.Below(young.size());
      place = *young[drawn];
      place.move = Move::kExploration;
      place.best = Source::kExploration;
      place.sources |= SourceBit(Source::kExploration);
      young.erase(young.begin() + static_cast<std::ptrdiff_t>(drawn));
    }
  }

 private:
  // Replaces the lowest posts that are not such by the best that are, until their share of the page is met.
  void KeepShare(double share, Move move, const std::function<bool(const Candidate&)>& such) {
    std::vector<Candidate>& page = context_->page;
    int missing = static_cast<int>(std::floor(share * static_cast<double>(page.size())));
    for (const Candidate& candidate : page) missing -= such(candidate) ? 1 : 0;
    for (const Candidate& candidate : all_) {
      if (missing <= 0) return;
      if (!such(candidate) || OnPage(candidate) || AuthorFull(candidate)) continue;
      const auto last = std::find_if(page.rbegin(), page.rend(), [&](const Candidate& shown) {
        return !such(shown) && shown.move != Move::kFreshQuota;
      });
      if (last == page.rend()) return;
      *last = candidate;
      last->move = move;
      --missing;
    }
  }

  bool Told(const Candidate& candidate) const {
    if (candidate.input.topic == features::kNoEntity) return false;
    const auto& topics = context_->told_topics;
    return std::find(topics.begin(), topics.end(), context_->state->TopicName(candidate.input.topic)) != topics.end();
  }
  bool Young(const Candidate& candidate) const {
    return candidate.input.created_at != 0 && context_->now - candidate.input.created_at <= settings_.fresh_age;
  }
  bool OnPage(const Candidate& candidate) const {
    return std::any_of(context_->page.begin(), context_->page.end(),
                       [&](const Candidate& shown) { return shown.input.post == candidate.input.post; });
  }
  bool AuthorFull(const Candidate& candidate) const {
    if (settings_.author_cap <= 0 || candidate.input.author == features::kNoEntity) return false;
    return std::count_if(context_->page.begin(), context_->page.end(), [&](const Candidate& shown) {
             return shown.input.author == candidate.input.author;
           }) >= settings_.author_cap;
  }

  FeedContext* context_;
  const RerankSettings& settings_;
  const std::vector<Candidate>& all_;  // best first
};

}  // namespace

void ArrangePage(FeedContext* context) {
  Page page(context);
  page.Arrange(static_cast<size_t>(context->query->n));
  page.KeepFreshShare();
  page.KeepInterestShare();
  page.Explore();
}

}  // namespace feedmill::serve
