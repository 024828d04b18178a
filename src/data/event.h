// An event of the app: something a user or the app did, in Segment's shape, after the door has checked it.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace feedmill {

// Where a record stands in the event log. Offsets count records of a partition from 0 without gaps.
struct LogPosition {
  uint32_t partition = 0;
  uint64_t offset = 0;
  friend auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

struct Event {
  std::string message_id;  // made by the client; the key of deduplication
  std::string type;        // track | identify | page | screen | group | alias
  std::string name;        // the event's name for track ("feed_impression"), else empty
  std::string user_id;     // may be empty when anonymous_id is given
  std::string anonymous_id;
  Micros event_time = 0;     // receivedAt - (sentAt - timestamp), never later than received_time
  Micros original_time = 0;  // the client's own `timestamp`
  Micros received_time = 0;
  std::string remote_ip;  // truncated (/24, /48)
  std::string user_agent;
  std::string source;      // name of the write key that let it in ("app", "import", "feed")
  std::string context;     // JSON object text, may be empty
  std::string properties;  // JSON object text ("{}" when none); traits for identify
};

// What the log carries: an accepted event, a refused one, or a feed request written back by the server.
enum class RecordKind : uint8_t { kEvent = 1, kRejected = 2, kFeedRequest = 3 };

struct Rejection {
  std::string reason;  // for people
  std::string field;   // JSON path of the offending field, "" when the whole request
  std::string rule;    // machine name of the rule: "malformed_json", "unknown_event", "wrong_type", ...
  std::string raw;     // what was received, cut at a limit
};

struct LogRecord {
  RecordKind kind = RecordKind::kEvent;
  Event event;           // for kRejected: whatever could be read
  Rejection rejection;   // for kRejected
  std::string document;  // for kFeedRequest: JSON of the row of ods_feed_request
};

}  // namespace feedmill
