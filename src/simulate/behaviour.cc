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

namespace {

// Chance that someone who looked at the item, and opened it or not, does this as well.
double ChanceOf(const World& world, const Behaviour& behaviour, uint32_t user, uint32_t post, double interest) {
  if (behaviour.effect == Behaviour::Effect::kFollows && world.Follows(user, world.posts()[post].author)) return 0;
  if (behaviour.always) return 1;
  if (behaviour.when == Behaviour::When::kOpened) return behaviour.chance * std::sqrt(interest);
  const double dislike = (1 - interest) * (world.Affinity(user, post) < -0.5 ? 2.5 : 0.3);
  return behaviour.chance * (world.MaySee(user, post) ? dislike : 10 * dislike);
}

int64_t ValueOf(const World& world, const Behaviour& behaviour, uint32_t user, uint64_t key, double interest) {
  if (behaviour.value.empty()) return 0;
  const double spread = std::exp(behaviour.value_spread * world.draw().Normal(Purpose::kReactionValue, user, key));
  return static_cast<int64_t>((behaviour.value_base + behaviour.value_interest * interest) * spread);
}

}  // namespace

Reaction React(const World& world, uint32_t user, uint32_t post, int position, Micros now) {
  using When = Behaviour::When;
  const Draw& draw = world.draw();
  Reaction reaction;
  if (draw.Uniform(Purpose::kExamine, user, post) >= world.Examination(position)) return reaction;
  const double interest = world.ClickProbability(user, post, now);
  reaction.opened = draw.Uniform(Purpose::kClick, user, post) < interest;
  const std::vector<Behaviour>& behaviours = world.options().behaviours;
  for (size_t place = 0; place < behaviours.size(); ++place) {
    const Behaviour& behaviour = behaviours[place];
    if ((behaviour.when == When::kUnwanted) == reaction.opened) continue;
    const uint64_t key = static_cast<uint64_t>(place) << 40 | post;
    const bool does = behaviour.when == When::kOpen ||
                      draw.Uniform(Purpose::kReaction, user, key) < ChanceOf(world, behaviour, user, post, interest);
    if (does) reaction.deeds.push_back({place, ValueOf(world, behaviour, user, key, interest)});
  }
  return reaction;
}

void TakeEffect(const Reaction& reaction, uint32_t user, uint32_t post, World* world) {
  const uint32_t author = world->posts()[post].author;
  for (const Deed& deed : reaction.deeds) {
    const Behaviour::Effect effect = world->options().behaviours[deed.behaviour].effect;
    if (effect == Behaviour::Effect::kFollows) world->Follow(user, author);
    if (effect == Behaviour::Effect::kBlocks) world->Block(user, author);
  }
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
    if (world.posts()[post].author == user || !world.MaySee(user, id)) continue;
    if (std::binary_search(seen.begin(), seen.end(), id)) continue;
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
