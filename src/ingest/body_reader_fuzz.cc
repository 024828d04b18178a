// Any bytes as a request body: each message is accepted or refused with a rule, and its payload can be decoded.
#include <cstdint>
#include <cstdlib>

#include "data/event_codec.h"
#include "ingest/body_reader_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill;
  using namespace feedmill::ingest;
  static auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  static auto keys = *WriteKeys::Make({{"app", "key"}});
  static MessageIdMaker ids;
  for (std::string_view type : {"", "track", "identify"}) {
    std::string body(reinterpret_cast<const char*>(data), size);
    BodyRequest request{&body, type, keys.Find("key"), "203.0.113.7", "fuzz", 1'795'384'326'400'000};
    auto read = ReadBody(request, *plan, keys, {}, ids);
    if (!read) {
      if (read.error().rejection.rule.empty()) std::abort();
      continue;
    }
    for (const auto& message : read->messages) {
      auto record = DecodeLogRecord(message.payload);
      if (!record || message.message_id.empty()) std::abort();
      if (message.accepted != (record->kind == RecordKind::kEvent)) std::abort();
      if (!message.accepted && message.rejection.rule.empty()) std::abort();
    }
  }
  return 0;
}
