// LogRecord <-> bytes: the payload of one log record. Format: docs/formats/event-log.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/event.h"

namespace feedmill {

// Appends the encoded record to `out`.
void EncodeLogRecord(const LogRecord& record, std::string* out);
// kCorrupt names the byte offset and what was wrong. Bounded: never allocates more than a small multiple of
// bytes.size().
Result<LogRecord> DecodeLogRecord(std::string_view bytes);
// The same into a record whose memory is used again. After an error it holds anything.
Status DecodeLogRecord(std::string_view bytes, LogRecord* record);
// Of an encoded record, without reading the rest of it; nothing when the bytes begin like none.
std::optional<RecordKind> KindOfLogRecord(std::string_view bytes);

}  // namespace feedmill
