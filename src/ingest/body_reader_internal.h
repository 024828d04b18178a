// A request body in Segment's shape -> messages, each ready for the log.
#pragma once

#include <atomic>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/message_reader_internal.h"
#include "ingest/write_keys.h"

namespace feedmill::ingest {

// Message ids for clients that send none: unique over processes and restarts. Any thread.
class MessageIdMaker {
 public:
  MessageIdMaker();
  std::string Next();

 private:
  std::string prefix_;
  std::atomic<uint64_t> count_ = 0;
};

struct BodyLimits {
  MessageLimits message;  // event_bytes_max is the write key's
  size_t batch_events_max = 10'000;
};

struct BodyMessage {
  bool accepted = false;
  std::string message_id;
  uint64_t user_hash = 0;  // for choosing a partition
  std::string payload;     // encoded LogRecord
  Rejection rejection;     // when not accepted; without raw, which is in the payload
};

struct Body {
  const WriteKey* key = nullptr;
  bool single = false;  // one message, not a batch
  std::vector<BodyMessage> messages;
};

// The whole body is refused. It is to be stored as one refused record when the sender is known.
struct BodyRefusal {
  int status = 400;               // 400, 401, 413, or 503: not the body's fault, nothing of it is stored
  const WriteKey* key = nullptr;  // null = sender unknown
  Rejection rejection;
};

struct BodyRequest {
  std::string* body = nullptr;           // may be given more capacity, its text stays
  std::string_view type;                 // of the path: "track", ...; empty for a batch
  const WriteKey* header_key = nullptr;  // of the Authorization header, when it had one
  std::string_view remote_ip;
  std::string_view user_agent;
  Micros received_time = 0;
};

// Pure but for message ids. Any thread.
std::expected<Body, BodyRefusal> ReadBody(const BodyRequest& request, const TrackingPlan& plan, const WriteKeys& keys,
                                          const BodyLimits& limits, MessageIdMaker& ids);

// There was no memory to read it.
BodyRefusal OutOfMemoryRefusal(const WriteKey* key);

// The payload of the record that keeps a refused body.
std::string RefusedBodyPayload(const BodyRefusal& refusal, const BodyRequest& request, const TrackingPlan& plan,
                               const BodyLimits& limits);

}  // namespace feedmill::ingest
