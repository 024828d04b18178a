// The part of a log record that the live state uses, taken out before the lock is held.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "data/event.h"
#include "domain/event_meanings.h"
#include "features/compute.h"

namespace feedmill::stream {

struct StreamEvent {
  enum class Kind : uint8_t {
    kIgnored,
    kPostCreate,
    kPostRemove,
    kPostWithdraw,
    kPostRestore,
    kRelated,
    kActed,
    kIdentify
  };

  // One of the actions that the event is.
  struct Deed {
    features::Action action{};
    bool holds = true;  // false until the property is seen without which it is not this action
    float weight = 1;   // domain::Action::Weight
  };

  // What it says of an edge from the user to the target.
  struct Edge {
    size_t relation = 0;  // place in the domain
    bool stands = true;   // false: it is taken away
  };

  // A declared field that the event says something of.
  struct Said {
    size_t field = 0;  // place in the domain
    domain::FieldType type{};
    bool is_unset = false;           // null, or of another type
    double number = 0;               // 0 or 1 of a boolean; seconds since 1970 of a time
    std::vector<std::string> texts;  // one of a text
  };

  Kind kind = Kind::kIgnored;
  std::vector<Deed> deeds;  // of kActed and kRelated
  std::vector<Edge> edges;  // of kRelated
  LogPosition position;
  Micros time = 0;
  Micros received = 0;   // 0: unknown
  uint64_t id_hash = 0;  // of the event's id (data/event_id.h)
  std::string user_id;
  std::string post_id;  // the ids are empty when not given
  std::string author_id;
  std::string target_user_id;
  // Of kActed, when they are known before it is applied.
  features::EntityHandle user = features::kNoEntity;
  features::EntityHandle post = features::kNoEntity;
  std::string topic;
  std::optional<std::vector<std::string>> topics;  // of identify; empty list: none any more
  features::ItemNumbers numbers{};
  std::vector<Said> fields;  // of the item that is made, or of the user of identify
};

// Reads the JSON of properties. One thread at a time.
class StreamEventReader {
 public:
  explicit StreamEventReader(domain::DomainPtr domain);
  ~StreamEventReader();
  // Never fails: a record of another kind, of a name that the domain does not know, of a bot or with broken properties
  // is kIgnored.
  void Read(const LogRecord& record, LogPosition position, StreamEvent* out);

 private:
  struct Parser;
  const std::vector<domain::Field>* FieldsOf(StreamEvent::Kind kind) const;
  StreamEvent::Kind KindOf(const Event& event, const domain::EventMeaning* meaning) const;

  domain::DomainPtr domain_;
  domain::EventMeanings meanings_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace feedmill::stream
