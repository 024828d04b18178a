// A message of a request body -> a record of the log: an event that keeps every rule, or a refusal that names the one
// it broke.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "data/event.h"
#include "ingest/tracking_plan.h"

namespace simdjson::dom {
class element;
}

namespace feedmill::ingest {

struct MessageLimits {
  size_t event_bytes_max = 32 << 10;           // the message as it is stored
  size_t rejected_raw_bytes_max = 8 << 10;     // how much of a refused message is kept
  Micros past_max = 30 * 365 * kMicrosPerDay;  // older events are refused
  Micros future_max = kMicrosPerDay;  // events later than the server's clock by more are refused; by less: capped
};

// What all messages of a request share.
struct MessageOrigin {
  std::string_view type;          // given by the path ("track"); empty: each message says its own
  std::string_view source;        // name of the write key
  bool is_server = false;         // whose key stands in no browser
  std::string_view remote_ip;     // of the peer, whole
  std::string_view user_agent;    // header
  std::optional<Micros> sent_at;  // of the batch
  Micros received_time = 0;
};

class MessageReader {
 public:
  MessageReader(const TrackingPlan& plan, const MessageLimits& limits, const MessageOrigin& origin)
      : plan_(plan), limits_(limits), origin_(origin) {}

  // Fills `out`, which may hold an older record (its memory is used again). A message without messageId leaves it
  // empty. Any thread, each with its own reader.
  void Read(const simdjson::dom::element& message, LogRecord* out);

  // Makes what Read() gave a refused message; `refusal` holds the raw text too. What could be read of it stays
  // readable.
  void Refuse(const Rejection& refusal, LogRecord* record) const;
  // A record for a body that could not be read at all.
  LogRecord Refused(const Rejection& rejection, std::string_view raw) const;

 private:
  struct Fields;
  static std::optional<Rejection> Collect(const simdjson::dom::element& message, Fields* fields);
  std::optional<Rejection> Fill(const Fields& fields, Event* event);
  std::optional<Rejection> FillIds(const Fields& fields, Event* event) const;
  std::optional<Rejection> FillTimes(const Fields& fields, Event* event) const;
  std::optional<Rejection> FillContext(const Fields& fields, Event* event);
  std::optional<Rejection> FillProperties(const Fields& fields, Event* event) const;

  const TrackingPlan& plan_;
  const MessageLimits& limits_;
  MessageOrigin origin_;
  std::string truncated_from_;  // the address that truncated_ip_ was made of
  std::string truncated_ip_;
};

// "203.0.113.77" -> "203.0.113.0", "2001:db8:1:2::3" -> "2001:db8:1::", anything else -> "".
std::string TruncateAddress(std::string_view address);

// Cuts at a limit without breaking a UTF-8 sequence.
std::string_view CutText(std::string_view text, size_t bytes_max);

}  // namespace feedmill::ingest
