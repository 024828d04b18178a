#include "data/event_codec.h"

#include <cstring>

namespace feedmill {
namespace {

constexpr uint8_t kVersion = 1;
// LEB128 of a 32-bit length; a longer text would not fit a record of the log.
constexpr size_t kLengthBytesMax = 5;

// The texts of each part in the order of the format. Adding one means a new version.
constexpr std::string Event::* kEventTexts[] = {
    &Event::message_id, &Event::type,       &Event::name,   &Event::user_id, &Event::anonymous_id,
    &Event::remote_ip,  &Event::user_agent, &Event::source, &Event::context, &Event::properties};
constexpr Micros Event::* kEventTimes[] = {&Event::event_time, &Event::original_time, &Event::received_time};
constexpr std::string Rejection::* kRejectionTexts[] = {&Rejection::reason, &Rejection::field, &Rejection::rule,
                                                        &Rejection::raw};

void AppendTime64(Micros time, std::string* out) {
  auto bits = static_cast<uint64_t>(time);
  char bytes[8];
  for (char& byte : bytes) {
    byte = static_cast<char>(bits & 0xff);
    bits >>= 8;
  }
  out->append(bytes, sizeof(bytes));
}

void AppendText(std::string_view text, std::string* out) {
  size_t length = text.size();
  for (; length >= 0x80; length >>= 7) out->push_back(static_cast<char>(0x80 | (length & 0x7f)));
  out->push_back(static_cast<char>(length));
  out->append(text);
}

// Reads from the left; an error names the offset it stood at.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  Result<uint8_t> Byte(std::string_view what) {
    if (at_ >= bytes_.size()) return Broken(what, "the record ends");
    return static_cast<uint8_t>(bytes_[at_++]);
  }
  Status Time(Micros* out) {
    if (bytes_.size() - at_ < 8) return Broken("a time", "the record ends");
    uint64_t bits = 0;
    for (size_t i = 8; i > 0; --i) bits = bits << 8 | static_cast<uint8_t>(bytes_[at_ + i - 1]);
    *out = static_cast<Micros>(bits);
    at_ += 8;
    return Ok();
  }
  Status Text(std::string* out) {
    FEEDMILL_ASSIGN(uint64_t length, Length());
    if (length > bytes_.size() - at_)
      return Broken("a text", fmt::format("{} bytes announced, {} left", length, bytes_.size() - at_));
    out->assign(bytes_, at_, length);
    at_ += length;
    return Ok();
  }
  Status End() const {
    if (at_ == bytes_.size()) return Ok();
    return Broken("the end", fmt::format("{} more bytes", bytes_.size() - at_));
  }
  std::unexpected<Error> Broken(std::string_view wanted, std::string_view found) const {
    return Corrupt("log record: at byte {} of {}: wanted {}, found {}", at_, bytes_.size(), wanted, found);
  }

 private:
  // Only the shortest form of a length is one: a record has exactly one encoding.
  Result<uint64_t> Length() {
    uint64_t length = 0;
    for (size_t i = 0; i < kLengthBytesMax; ++i) {
      FEEDMILL_ASSIGN(uint8_t byte, Byte("a length"));
      length |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if ((byte & 0x80) != 0) continue;
      if (byte == 0 && i > 0) return Broken("a length", "a longer form than needed");
      return length;
    }
    return Broken("a length", fmt::format("more than {} bytes", kLengthBytesMax));
  }

  std::string_view bytes_;
  size_t at_ = 0;
};

size_t EncodedSizeMax(const LogRecord& record) {
  size_t size = 2 + sizeof(Micros) * std::size(kEventTimes) + record.document.size() + kLengthBytesMax;
  for (auto text : kEventTexts) size += (record.event.*text).size() + kLengthBytesMax;
  for (auto text : kRejectionTexts) size += (record.rejection.*text).size() + kLengthBytesMax;
  return size;
}

Status DecodeEvent(Reader* reader, Event* event) {
  for (auto time : kEventTimes) FEEDMILL_TRY(reader->Time(&(event->*time)));
  for (auto text : kEventTexts) FEEDMILL_TRY(reader->Text(&(event->*text)));
  return Ok();
}

void ClearEvent(Event* event) {
  for (auto time : kEventTimes) event->*time = 0;
  for (auto text : kEventTexts) (event->*text).clear();
}

Status DecodeBody(Reader* reader, LogRecord* record) {
  record->document.clear();
  for (auto text : kRejectionTexts) (record->rejection.*text).clear();
  if (record->kind == RecordKind::kFeedRequest) {
    ClearEvent(&record->event);
    return reader->Text(&record->document);
  }
  FEEDMILL_TRY(DecodeEvent(reader, &record->event));
  if (record->kind == RecordKind::kEvent) return Ok();
  for (auto text : kRejectionTexts) FEEDMILL_TRY(reader->Text(&(record->rejection.*text)));
  return Ok();
}

}  // namespace

void EncodeLogRecord(const LogRecord& record, std::string* out) {
  out->reserve(out->size() + EncodedSizeMax(record));
  out->push_back(static_cast<char>(kVersion));
  out->push_back(static_cast<char>(record.kind));
  if (record.kind == RecordKind::kFeedRequest) return AppendText(record.document, out);
  for (auto time : kEventTimes) AppendTime64(record.event.*time, out);
  for (auto text : kEventTexts) AppendText(record.event.*text, out);
  if (record.kind != RecordKind::kRejected) return;
  for (auto text : kRejectionTexts) AppendText(record.rejection.*text, out);
}

std::optional<RecordKind> KindOfLogRecord(std::string_view bytes) {
  if (bytes.size() < 2 || static_cast<uint8_t>(bytes[0]) != kVersion) return std::nullopt;
  const auto kind = static_cast<uint8_t>(bytes[1]);
  if (kind < static_cast<uint8_t>(RecordKind::kEvent) || kind > static_cast<uint8_t>(RecordKind::kFeedRequest))
    return std::nullopt;
  return static_cast<RecordKind>(kind);
}

Result<LogRecord> DecodeLogRecord(std::string_view bytes) {
  LogRecord record;
  FEEDMILL_TRY(DecodeLogRecord(bytes, &record));
  return record;
}

Status DecodeLogRecord(std::string_view bytes, LogRecord* record) {
  Reader reader(bytes);
  FEEDMILL_ASSIGN(uint8_t version, reader.Byte("the version"));
  if (version != kVersion) {
    return Corrupt("log record: at byte 0: found version {}, this program reads version {}", version, kVersion);
  }
  FEEDMILL_ASSIGN(uint8_t kind, reader.Byte("the kind"));
  bool known =
      kind >= static_cast<uint8_t>(RecordKind::kEvent) && kind <= static_cast<uint8_t>(RecordKind::kFeedRequest);
  if (!known) return Corrupt("log record: at byte 1: found kind {}, allowed 1 event, 2 rejected, 3 feed request", kind);
  record->kind = static_cast<RecordKind>(kind);
  FEEDMILL_TRY(DecodeBody(&reader, record));
  return reader.End();
}

}  // namespace feedmill
