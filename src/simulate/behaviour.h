// What simulated users do: when they open the app, and how they answer a slate of items.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "simulate/world.h"

namespace feedmill::simulate {

struct Session {
  Micros time = 0;
  uint32_t user = 0;
  uint32_t number = 0;  // of this user's sessions, unique in the world
  int feeds = 1;
};

// All sessions with from <= time < to, by time. `new_users`: whether those who join in the live phase take part.
std::vector<Session> MakeSessions(const World& world, Micros from, Micros to, bool new_users);

// One of the world's behaviours that a user showed.
struct Deed {
  size_t behaviour = 0;  // place in WorldOptions::behaviours
  int64_t value = 0;     // of a behaviour that has one
};

struct Reaction {
  bool opened = false;
  std::vector<Deed> deeds;  // in the order of the file; the opening is one of them
};

// The user's answer to one item at one position. The same user meets the same item in the same mood whatever the
// policy.
Reaction React(const World& world, uint32_t user, uint32_t post, int position, Micros now);

// What it changes in the world.
void TakeEffect(const Reaction& reaction, uint32_t user, uint32_t post, World* world);

// Expected clicks of a slate, by the true preference.
double ExpectedClicks(const World& world, uint32_t user, std::span<const uint32_t> slate, Micros now);
// The same for the best possible slate among posts of the last `horizon` that the user may see and has not seen (`seen`
// sorted).
double BestExpectedClicks(const World& world, uint32_t user, std::span<const uint32_t> seen, Micros now,
                          Micros horizon);

}  // namespace feedmill::simulate
