// Events as JSON text, in Segment's shape, appended to a batch under construction.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
  // What the reaction says, in the app's words. `time` is when the user first reacts.
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
  // Of the event or the traits that were begun; nothing when it has no name.
  template <typename Value>
  void Property(std::string_view name, const Value& value);
  void Texts(std::string_view name, const std::vector<std::string>& texts);
  // Begun, not ended. `prefix` is of the message id.
  void AboutItem(std::string_view event, std::string_view prefix, const Shown& shown, Micros time);
  void AboutAuthor(std::string_view event, std::string_view id, std::string_view prefix, uint32_t user, uint32_t author,
                   Micros time);

  const World& world_;
  bool first_ = true;  // property of its event
  std::string text_;   // events with '\n' between them
  size_t count_ = 0;
};

}  // namespace feedmill::simulate
