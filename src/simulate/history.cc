#include "simulate/history.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace feedmill::simulate {
namespace {

constexpr Micros kShownAge = 2 * kMicrosPerDay;  // the simple app shows posts of the last two days
constexpr Micros kBetweenFeeds = 90 * kMicrosPerSecond;
constexpr int kTries = 6;  // proposals before a place in the slate stays empty

struct Pick {
  uint32_t post = 0;
  const char* source = "";
};

class History {
 public:
  History(World* world, SeenPosts* seen, size_t batch_events, const HistorySink& sink)
      : world_(*world),
        seen_(*seen),
        batch_(*world),
        batch_events_(batch_events),
        sink_(sink),
        clicks_(world->posts().size()) {}

  Result<HistoryFigures> Run() {
    FEEDMILL_TRY(JoinAll());
    for (const Session& session : MakeSessions(world_, world_.start(), world_.live_start(), false)) {
      FEEDMILL_TRY(CreatePostsUntil(session.time));
      batch_.AppOpen(session, session.time);
      for (int feed = 0; feed < session.feeds; ++feed) {
        FEEDMILL_TRY(ShowFeed(session, feed, session.time + (feed + 1) * kBetweenFeeds));
      }
    }
    FEEDMILL_TRY(CreatePostsUntil(world_.live_start()));
    FEEDMILL_TRY(Flush(1));
    return figures_;
  }

 private:
  // Users register and follow during the day before history.
  Status JoinAll() {
    const auto users = static_cast<uint32_t>(world_.options().users);
    for (uint32_t user = 0; user < users; ++user) {
      const auto offset = static_cast<Micros>(world_.draw().Uniform(Purpose::kNewUser, user) * 0.9 *
                                              static_cast<double>(kMicrosPerDay));
      const Micros joined = world_.start() - kMicrosPerDay + offset;
      batch_.Register(user, joined);
      for (uint32_t author : world_.followees(user)) batch_.Follow(user, author, joined + kMicrosPerSecond);
      FEEDMILL_TRY(MaybeFlush());
    }
    return Ok();
  }

  Status CreatePostsUntil(Micros time) {
    while (next_post_ < world_.posts().size() && world_.posts()[next_post_].created_at < time) {
      batch_.CreatePost(static_cast<uint32_t>(next_post_++));
      FEEDMILL_TRY(MaybeFlush());
    }
    return Ok();
  }

  Status ShowFeed(const Session& session, int feed, Micros now) {
    FEEDMILL_TRY(CreatePostsUntil(now));
    now_ = now;
    const std::string request = fmt::format("h-{}-{}-{}", session.user, session.number, feed);
    std::vector<uint32_t> slate;
    for (int position = 0; position < world_.options().slate; ++position) {
      const uint64_t key = (static_cast<uint64_t>(session.number) << 16) | static_cast<uint64_t>(feed << 8 | position);
      const std::optional<Pick> pick = PickPost(session.user, key, slate);
      if (!pick) continue;
      slate.push_back(pick->post);
      Show({session.user, pick->post, static_cast<int>(slate.size()) - 1, request, "home", pick->source});
    }
    for (uint32_t post : slate) seen_.Add(session.user, post);
    return MaybeFlush();
  }

  void Show(const Shown& shown) {
    const Reaction reaction = React(world_, shown.user, shown.post, shown.position, now_);
    batch_.Impression(shown, now_);
    batch_.Actions(shown, reaction, now_ + (1 + shown.position) * kMicrosPerSecond);
    ++figures_.impressions;
    figures_.clicks += reaction.opened ? 1 : 0;
    clicks_[shown.post] += reaction.opened ? 1 : 0;
    TakeEffect(reaction, shown.user, shown.post, &world_);
  }

  // 40 % followed authors, 30 % popular (the best clicked of three), 30 % at random.
  std::optional<Pick> PickPost(uint32_t user, uint64_t key, const std::vector<uint32_t>& slate) const {
    for (uint64_t attempt = 0; attempt < kTries; ++attempt) {
      const uint64_t k = key * kTries + attempt;
      const double choice = world_.draw().Uniform(Purpose::kSlate, user, k);
      std::optional<Pick> pick = choice < 0.4   ? FromFollowed(user, k)
                                 : choice < 0.7 ? Popular(user, k)
                                                : AtRandom(user, k, 0);
      if (pick && world_.posts()[pick->post].author != user && world_.MaySee(user, pick->post) &&
          !seen_.Has(user, pick->post) && std::find(slate.begin(), slate.end(), pick->post) == slate.end()) {
        return pick;
      }
    }
    return std::nullopt;
  }

  std::optional<Pick> AtRandom(uint32_t user, uint64_t key, uint64_t variant) const {
    const size_t from = world_.FirstPostAt(now_ - kShownAge);
    const size_t to = next_post_;
    if (from >= to) return std::nullopt;
    return Pick{
        static_cast<uint32_t>(from + world_.draw().Below(to - from, Purpose::kSlate, user, key * 8 + 1 + variant)),
        "bootstrap_random"};
  }

  std::optional<Pick> Popular(uint32_t user, uint64_t key) const {
    std::optional<Pick> best;
    for (uint64_t variant = 1; variant <= 3; ++variant) {
      const std::optional<Pick> one = AtRandom(user, key, variant);
      if (one && (!best || clicks_[one->post] > clicks_[best->post])) best = one;
    }
    if (best) best->source = "bootstrap_popular";
    return best;
  }

  std::optional<Pick> FromFollowed(uint32_t user, uint64_t key) const {
    const std::vector<uint32_t>& authors = world_.followees(user);
    if (authors.empty()) return std::nullopt;
    const uint32_t author = authors[world_.draw().Below(authors.size(), Purpose::kSlate, user, key * 8 + 7)];
    const std::vector<uint32_t>& posts = world_.posts_of(author);
    const auto end = std::lower_bound(posts.begin(), posts.end(), static_cast<uint32_t>(next_post_));
    for (auto it = end; it != posts.begin();) {
      if (!seen_.Has(user, *--it)) return Pick{*it, "bootstrap_following"};
    }
    return std::nullopt;
  }

  Status MaybeFlush() {
    if (batch_.count() < batch_events_) return Ok();
    const double lived =
        static_cast<double>(now_ - world_.start()) / static_cast<double>(world_.live_start() - world_.start());
    return Flush(std::clamp(lived, 0.0, 1.0));
  }

  Status Flush(double progress) {
    if (batch_.count() == 0) return Ok();
    figures_.events += batch_.count();
    return sink_(batch_, progress);
  }

  World& world_;
  SeenPosts& seen_;
  Batch batch_;
  size_t batch_events_;
  const HistorySink& sink_;
  std::vector<uint32_t> clicks_;
  size_t next_post_ = 0;
  Micros now_ = 0;
  HistoryFigures figures_;
};

}  // namespace

bool SeenPosts::Has(uint32_t user, uint32_t post) const {
  return std::binary_search(by_user_[user].begin(), by_user_[user].end(), post);
}

void SeenPosts::Add(uint32_t user, uint32_t post) {
  std::vector<uint32_t>& posts = by_user_[user];
  const auto it = std::lower_bound(posts.begin(), posts.end(), post);
  if (it == posts.end() || *it != post) posts.insert(it, post);
}

Result<HistoryFigures> LiveThroughHistory(World* world, SeenPosts* seen, size_t batch_events, const HistorySink& sink) {
  return History(world, seen, batch_events, sink).Run();
}

}  // namespace feedmill::simulate
