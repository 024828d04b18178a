// The part of a log record that the live state uses, taken out before the lock is held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "data/event.h"

namespace feedmill::stream {

struct StreamEvent {
  enum class Kind : uint8_t { kIgnored, kPostCreate, kFollow, kUnfollow, kCounted, kPostView, kIdentify };

  Kind kind = Kind::kIgnored;
  uint8_t action = 0;  // features::Action when kCounted or kFollow
  LogPosition position;
  Micros time = 0;
  Micros received = 0;   // 0: unknown
  uint64_t id_hash = 0;  // of the event's id (data/event_id.h)
  std::string user_id;
  std::string post_id;  // the ids are empty when not given
  std::string author_id;
  std::string target_user_id;
  std::string topic;
  std::optional<std::vector<std::string>> topics;  // of identify; empty list: none any more
  int64_t dwell_ms = 0;
  double text_length = 0;
};

// Reads the JSON of properties. One thread at a time.
class StreamEventReader {
 public:
  StreamEventReader();
  ~StreamEventReader();
  // Never fails: a record of another kind, of an unknown name, of a bot or with broken properties is kIgnored.
  void Read(const LogRecord& record, LogPosition position, StreamEvent* out);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace feedmill::stream
