// Events as JSON text, in Segment's shape, appended to a batch under construction.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "simulate/behaviour.h"
#include "simulate/world.h"

namespace feedmill::simulate {

// Where an item was shown.
struct Shown {
  uint32_t user = 0;
  uint32_t post = 0;
  int position = 0;
  std::string_view request_id;
  std::string_view scene;
  std::string_view source;
};

// Collects events of one POST /v1/batch. Message ids are made from what the event is about, so that a repeated run
// repeats them.
class Batch {
 public:
  explicit Batch(const World& world) : world_(world) {}

  void Register(uint32_t user, Micros time);
  void AppOpen(const Session& session, Micros time);
  void CreatePost(uint32_t post);
  void Follow(uint32_t user, uint32_t author, Micros time);
  void Impression(const Shown& shown, Micros time);
  // Click, like, ... as the reaction says. `time` is when the user first reacts.
  void Actions(const Shown& shown, const Reaction& reaction, Micros time);

  size_t count() const { return count_; }
  // {"batch":[...]} and empties itself.
  std::string Take();
  // The same events as JSON lines.
  std::string TakeLines();

 private:
  void Next();  // separates from the event before, if there is one
  void Begin(std::string_view event, std::string_view user_id, std::string_view message_id, Micros time);
  void End() { text_ += "}}"; }
  void Action(std::string_view event, const Shown& shown, Micros time, std::string_view more);

  const World& world_;
  std::string text_;  // events with '\n' between them
  size_t count_ = 0;
};

}  // namespace feedmill::simulate
