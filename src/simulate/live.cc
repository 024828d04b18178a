#include "simulate/live.h"

#include <algorithm>
#include <vector>

namespace feedmill::simulate {
namespace {

constexpr Micros kBestHorizon = 3 * kMicrosPerDay;  // posts the best possible slate may be taken from
constexpr Micros kNewPostAge = kMicrosPerHour;
constexpr Micros kReadingTime =
    100 * kMicrosPerMilli;  // the world's time one feed takes; short, so that sessions do not overlap

class Live {
 public:
  Live(World* world, SeenPosts* seen, AppClient* client, const LiveOptions& options)
      : world_(*world),
        seen_(*seen),
        client_(*client),
        options_(options),
        batch_(*world),
        joined_(world->user_count(), false) {
    tally_.policy = options.scene;
    tally_.deeds.resize(world->options().behaviours.size());
    std::fill_n(joined_.begin(), world->options().users, true);
    next_post_ = world->FirstPostAt(world->live_start());
  }

  Result<Tally> Run(const OnProgress& progress) {
    const std::vector<Session> sessions = MakeSessions(world_, world_.live_start(), world_.end(), true);
    for (size_t i = 0; i < sessions.size() && !Enough(); ++i) {
      FEEDMILL_TRY(LiveSession(sessions[i]));
      progress(static_cast<double>(i + 1) / static_cast<double>(sessions.size()));
    }
    tally_.until = now_;
    return tally_;
  }

 private:
  bool Enough() const { return options_.feeds_max > 0 && tally_.feeds >= static_cast<uint64_t>(options_.feeds_max); }

  Status LiveSession(const Session& session) {
    FEEDMILL_TRY(MoveClock(std::max(session.time, now_ + 1)));
    for (; next_post_ < world_.posts().size() && world_.posts()[next_post_].created_at < now_; ++next_post_) {
      batch_.CreatePost(static_cast<uint32_t>(next_post_));
    }
    if (!joined_[session.user]) batch_.Register(session.user, now_);
    joined_[session.user] = true;
    batch_.AppOpen(session, now_);
    FEEDMILL_TRY(SendEvents());
    for (int feed = 0; feed < session.feeds && !Enough(); ++feed) FEEDMILL_TRY(ShowFeed(session.user));
    return Ok();
  }

  Status ShowFeed(uint32_t user) {
    FEEDMILL_ASSIGN(const Feed feed,
                    client_.AskFeed(World::UserId(user), options_.scene, world_.options().slate, position_));
    ++tally_.feeds;
    tally_.feeds_empty += feed.items.empty() ? 1 : 0;
    tally_.feeds_degraded += feed.degraded ? 1 : 0;
    tally_.feed_times.push_back(feed.took);
    const Micros asked = now_;
    FEEDMILL_TRY(MoveClock(now_ + kReadingTime));
    FEEDMILL_ASSIGN(const std::vector<uint32_t> slate, PostsOf(feed));
    tally_.expected_clicks += ExpectedClicks(world_, user, slate, asked);
    tally_.best_clicks += BestExpectedClicks(world_, user, seen_.of(user), asked, kBestHorizon);
    for (const uint32_t post : slate) tally_.against_rules += world_.MaySee(user, post) ? 0 : 1;  // as it was asked for
    for (size_t i = 0; i < slate.size(); ++i) {
      Show({user, slate[i], static_cast<int>(i), feed.request_id, options_.scene, feed.items[i].source}, asked);
    }
    return SendEvents();
  }

  // The platform may show only posts of this world that exist already.
  Result<std::vector<uint32_t>> PostsOf(const Feed& feed) const {
    std::vector<uint32_t> slate;
    for (const FeedItem& item : feed.items) {
      const int64_t post = World::NumberOf(item.id, 'p');
      if (post < 0 || static_cast<size_t>(post) >= next_post_) {
        return Internal("feed {} of scene {} shows \"{}\", which is no post made so far", feed.request_id,
                        options_.scene, item.id);
      }
      slate.push_back(static_cast<uint32_t>(post));
    }
    return slate;
  }

  void Show(const Shown& shown, Micros asked) {
    // A post met again is looked at without interest: the platform should not have shown it.
    const bool again = seen_.Has(shown.user, shown.post);
    const Reaction reaction = again ? Reaction{} : React(world_, shown.user, shown.post, shown.position, asked);
    seen_.Add(shown.user, shown.post);
    batch_.Impression(shown, asked + kMicrosPerMilli);
    batch_.Actions(shown, reaction, asked + (2 + shown.position) * kMicrosPerMilli);
    tally_.clicks.Add(reaction.opened);
    if (world_.IsNewUser(shown.user)) tally_.clicks_new_users.Add(reaction.opened);
    if (asked - world_.posts()[shown.post].created_at < kNewPostAge) tally_.clicks_new_posts.Add(reaction.opened);
    for (const Deed& deed : reaction.deeds) ++tally_.deeds[deed.behaviour];
    TakeEffect(reaction, shown.user, shown.post, &world_);
  }

  Status MoveClock(Micros now) {
    now_ = now;
    return options_.drive_clock ? client_.SetClock(now_) : Ok();
  }

  Status SendEvents() {
    if (batch_.count() == 0) return Ok();
    tally_.events += batch_.count();
    FEEDMILL_ASSIGN(position_, client_.Send(batch_.Take()));
    return Ok();
  }

  World& world_;
  SeenPosts& seen_;
  AppClient& client_;
  LiveOptions options_;
  Batch batch_;
  std::vector<bool> joined_;
  size_t next_post_ = 0;
  Micros now_ = 0;
  std::string position_;
  Tally tally_;
};

}  // namespace

Result<Tally> LiveWithFeeds(World* world, SeenPosts* seen, AppClient* client, const LiveOptions& options,
                            const OnProgress& progress) {
  return Live(world, seen, client, options).Run(progress);
}

}  // namespace feedmill::simulate
