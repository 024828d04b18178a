#include "simulate/behaviour.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace feedmill::simulate {
std::vector<Session> MakeSessions(const World& world, Micros from, Micros to, bool new_users) {
  std::vector<Session> sessions;
  const Draw& draw = world.draw();
  const int64_t first_day = (from - world.start()) / kMicrosPerDay;
  const int64_t last_day = (to - 1 - world.start()) / kMicrosPerDay;
  const auto users = static_cast<uint32_t>(new_users ? world.user_count() : static_cast<size_t>(world.options().users));
  for (uint32_t user = 0; user < users; ++user) {
    for (int64_t day = first_day; day <= last_day; ++day) {
      const uint64_t key = (static_cast<uint64_t>(user) << 16) | static_cast<uint64_t>(day);
      const auto count = static_cast<int>(world.user(user).sessions_per_day + draw.Uniform(Purpose::kSession, key));
      for (int i = 0; i < std::min(count, 30); ++i) {
        const auto number = static_cast<uint32_t>(day * 32 + i);
        const double hour = HourOfDay(draw.Uniform(Purpose::kHour, user, number), world.user(user).peak_hour);
        const Micros time =
            world.start() + day * kMicrosPerDay + static_cast<Micros>(hour * static_cast<double>(kMicrosPerHour));
        const double more =
            draw.Uniform(Purpose::kFeedCount, user, number) * 2 * (world.options().feeds_per_session - 0.5);
        if (time >= from && time < to) sessions.push_back({time, user, number, 1 + static_cast<int>(more)});
      }
    }
  }
  std::sort(sessions.begin(), sessions.end(), [](const Session& a, const Session& b) {
    return a.time != b.time ? a.time < b.time : a.user != b.user ? a.user < b.user : a.number < b.number;
  });
  return sessions;
}

Reaction React(const World& world, uint32_t user, uint32_t post, int position, Micros now) {
  const Draw& draw = world.draw();
  Reaction reaction;
  reaction.examined = draw.Uniform(Purpose::kExamine, user, post) < world.Examination(position);
  if (!reaction.examined) return reaction;
  const double interest = world.ClickProbability(user, post, now);
  reaction.click = draw.Uniform(Purpose::kClick, user, post) < interest;
  const double dislike = 0.02 * (1 - interest) * (world.Affinity(user, post) < -0.5 ? 2.5 : 0.3);
  reaction.hide = !reaction.click && draw.Uniform(Purpose::kHide, user, post) < dislike;
  if (!reaction.click) return reaction;
  const double warmth = std::sqrt(interest);
  reaction.like = draw.Uniform(Purpose::kLike, user, post) < 0.6 * warmth;
  reaction.comment = draw.Uniform(Purpose::kComment, user, post) < 0.12 * warmth;
  reaction.share = draw.Uniform(Purpose::kShare, user, post) < 0.08 * warmth;
  reaction.follow = !world.Follows(user, world.posts()[post].author) &&
                    draw.Uniform(Purpose::kFollowAfter, user, post) < 0.10 * warmth;
  const double spread = std::exp(0.6 * draw.Normal(Purpose::kDwell, user, post));
  reaction.dwell_ms = static_cast<int>((2'000 + 20'000 * interest) * spread);
  return reaction;
}

double ExpectedClicks(const World& world, uint32_t user, std::span<const uint32_t> slate, Micros now) {
  double sum = 0;
  for (size_t i = 0; i < slate.size(); ++i) {
    sum += world.Examination(static_cast<int>(i)) * world.ClickProbability(user, slate[i], now);
  }
  return sum;
}

double BestExpectedClicks(const World& world, uint32_t user, std::span<const uint32_t> seen, Micros now,
                          Micros horizon) {
  std::vector<double> chances;
  const size_t end = world.FirstPostAt(now);
  for (size_t post = world.FirstPostAt(now - horizon); post < end; ++post) {
    const auto id = static_cast<uint32_t>(post);
    if (world.posts()[post].author == user || std::binary_search(seen.begin(), seen.end(), id)) continue;
    chances.push_back(world.ClickProbability(user, id, now));
  }
  const size_t count = std::min(chances.size(), static_cast<size_t>(world.options().slate));
  std::partial_sort(chances.begin(), chances.begin() + static_cast<std::ptrdiff_t>(count), chances.end(),
                    std::greater<>());
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += world.Examination(static_cast<int>(i)) * chances[i];
  return sum;
}

}  // namespace feedmill::simulate
