#include "data/event_codec.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/random.h"

namespace feedmill {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

bool Same(const LogRecord& a, const LogRecord& b) {
  auto event = [](const Event& e) {
    return std::tie(e.message_id, e.type, e.name, e.user_id, e.anonymous_id, e.event_time, e.original_time,
                    e.received_time, e.remote_ip, e.user_agent, e.source, e.context, e.properties);
  };
  auto rejection = [](const Rejection& r) { return std::tie(r.reason, r.field, r.rule, r.raw); };
  return a.kind == b.kind && event(a.event) == event(b.event) && rejection(a.rejection) == rejection(b.rejection) &&
         a.document == b.document;
}

LogRecord ExampleEvent() {
  LogRecord record;
  record.event = {.message_id = "m-1",
                  .type = "track",
                  .name = "post_click",
                  .user_id = "u1",
                  .anonymous_id = "",
                  .event_time = 1795384326246000,
                  .original_time = 1795384326000000,
                  .received_time = 1795384327000001,
                  .remote_ip = "192.0.2.0",
                  .user_agent = "curl/7.88",
                  .source = "app",
                  .context = "{\"locale\":\"de\"}",
                  .properties = "{\"post_id\":\"p1\"}"};
  return record;
}

LogRecord ExampleRejected() {
  LogRecord record = ExampleEvent();
  record.kind = RecordKind::kRejected;
  record.rejection = {"post_id: found number 5, allowed string", "properties.post_id", "wrong_type",
                      std::string(300, 'x')};
  return record;
}

LogRecord ExampleFeedRequest() {
  LogRecord record;
  record.kind = RecordKind::kFeedRequest;
  record.document = "{\"request_id\":\"r1\",\"items\":[]}";
  return record;
}

std::vector<LogRecord> Examples() { return {ExampleEvent(), ExampleRejected(), ExampleFeedRequest(), LogRecord{}}; }

std::string Encoded(const LogRecord& record) {
  std::string bytes;
  EncodeLogRecord(record, &bytes);
  return bytes;
}

TEST(EventCodecTest, EveryKindComesBack) {
  for (const LogRecord& record : Examples()) {
    auto decoded = DecodeLogRecord(Encoded(record));
    ASSERT_THAT(decoded, IsOk());
    EXPECT_TRUE(Same(*decoded, record));
  }
}

TEST(EventCodecTest, RandomRecordsComeBack) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    LogRecord record = ExampleRejected();
    for (std::string* text : {&record.event.properties, &record.event.user_id, &record.rejection.raw}) {
      text->assign(random.Below(random.Chance(0.1) ? 40'000 : 200), '\0');
      for (char& c : *text) c = static_cast<char>(random.Next());
    }
    record.event.event_time = static_cast<Micros>(random.Next());
    auto decoded = DecodeLogRecord(Encoded(record));
    ASSERT_THAT(decoded, IsOk());
    ASSERT_TRUE(Same(*decoded, record));
  }
}

TEST(EventCodecTest, TheKindIsReadFromTheFirstBytes) {
  for (const LogRecord& record : Examples()) EXPECT_EQ(KindOfLogRecord(Encoded(record)), record.kind);
  EXPECT_EQ(KindOfLogRecord(""), std::nullopt);
  EXPECT_EQ(KindOfLogRecord("\x01"), std::nullopt);
  EXPECT_EQ(KindOfLogRecord("\x01\x09"), std::nullopt);
  EXPECT_EQ(KindOfLogRecord("\x07\x01"), std::nullopt);
}

TEST(EventCodecTest, EncodeAppends) {
  std::string bytes = "before";
  EncodeLogRecord(ExampleEvent(), &bytes);
  EXPECT_EQ(bytes, "before" + Encoded(ExampleEvent()));
}

TEST(EventCodecTest, EveryPrefixIsCorrupt) {
  for (const LogRecord& record : Examples()) {
    std::string bytes = Encoded(record);
    for (size_t length = 0; length < bytes.size(); ++length) {
      ASSERT_THAT(DecodeLogRecord(bytes.substr(0, length)), IsError(ErrorKind::kCorrupt, HasSubstr("at byte")))
          << length;
    }
    EXPECT_THAT(DecodeLogRecord(bytes + "x"), IsError(ErrorKind::kCorrupt, HasSubstr("1 more bytes")));
  }
}

TEST(EventCodecTest, ErrorsNameByteFoundAndAllowed) {
  std::string bytes = Encoded(ExampleEvent());
  bytes[0] = 9;
  EXPECT_THAT(DecodeLogRecord(bytes),
              IsError(ErrorKind::kCorrupt, AllOf(HasSubstr("found version 9"), HasSubstr("version 1"))));
  bytes[0] = 1;
  bytes[1] = 4;
  EXPECT_THAT(DecodeLogRecord(bytes), IsError(ErrorKind::kCorrupt, HasSubstr("found kind 4")));
  bytes[1] = 1;
  bytes[26] = 127;
  EXPECT_THAT(DecodeLogRecord(bytes), IsError(ErrorKind::kCorrupt, HasSubstr("at byte 27")));
}

TEST(EventCodecTest, LongLengthsAllocateNothing) {
  std::string bytes = {1, 3, '\xff', '\xff', '\xff', '\xff', '\x0f', 'x'};
  EXPECT_THAT(DecodeLogRecord(bytes), IsError(ErrorKind::kCorrupt, HasSubstr("4294967295 bytes announced, 1 left")));
  bytes = {1, 3, '\x81', '\x00', 'x'};
  EXPECT_THAT(DecodeLogRecord(bytes), IsError(ErrorKind::kCorrupt, HasSubstr("a longer form than needed")));
  bytes = {1, 3, '\x80', '\x80', '\x80', '\x80', '\x80', '\x01'};
  EXPECT_THAT(DecodeLogRecord(bytes), IsError(ErrorKind::kCorrupt, HasSubstr("more than 5 bytes")));
}

// Records of version 1, one after another with a 4-byte length each. They must stay readable for ever.
TEST(EventCodecTest, GoldenFileOfVersionOneIsReadAndWrittenTheSame) {
  std::ifstream file(FEEDMILL_SOURCE_DIR "/src/data/golden/log_records_v1.bin", std::ios::binary);
  std::ostringstream golden;
  golden << file.rdbuf();
  std::string written;
  for (const LogRecord& record : Examples()) {
    std::string bytes = Encoded(record);
    for (size_t i = 0; i < 4; ++i) written.push_back(static_cast<char>(bytes.size() >> (8 * i) & 0xff));
    written += bytes;
  }
  ASSERT_EQ(golden.str().size(), written.size())
      << "the format changed: give it a new version and keep reading the old one";
  EXPECT_TRUE(golden.str() == written);
}

}  // namespace
}  // namespace feedmill
