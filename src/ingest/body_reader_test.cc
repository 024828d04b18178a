#include "ingest/body_reader_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/starvation_for_test.h"
#include "io/file_system.h"

namespace feedmill::ingest {
namespace {

// What a body gets when the parser has no memory for it: 503 and not the client's fault.
TEST(BodyReaderTest, WithoutMemoryTheBodyIsNotBlamed) {
  if (!kCanStarve) GTEST_SKIP() << "not under the thread sanitizer";
  const auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  const auto keys = *WriteKeys::Make({{"app", "app-key", 1 << 20, 1 << 30}});
  std::string body = R"({"batch":[{"type":"track","event":"app_open","userId":"u","properties":{"device":")";
  body.reserve(4 << 20);  // the reader pads it in place
  body += std::string(3 << 20, 'a') + R"("}}]})";
  MessageIdMaker ids;
  const BodyRequest request{&body, "", keys.Find("app-key"), "", "", 1};
  std::expected<Body, BodyRefusal> read;
  {
    const Starvation starved(1 << 20);
    read = ReadBody(request, *plan, keys, {}, ids);
  }
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().status, 503);
  EXPECT_EQ(read.error().rejection.rule, "out_of_memory");
  EXPECT_TRUE(ReadBody(request, *plan, keys, {}, ids)) << "with memory it is read";
}

// An event of "x-from": "servers" comes with keys for import alone, alone or in a batch.
TEST(BodyReaderTest, SomeEventsComeFromServersAlone) {
  const auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  const auto keys = *WriteKeys::Make({{"app", "app-key"}, {"import", "import-key", 32 << 10, 1 << 20, true}});
  MessageIdMaker ids;
  const std::string message = R"({"type":"track","event":"post_takedown","userId":"mod","properties":{"post_id":"p"}})";
  const auto rule = [&](const char* key, bool single) {
    std::string body = single ? message : "{\"batch\":[" + message + "]}";
    const BodyRequest request{&body, single ? "track" : "", keys.Find(key), "", "", 1'795'384'326'400'000};
    const auto read = ReadBody(request, *plan, keys, {}, ids);
    return read->messages.at(0).accepted ? "accepted" : read->messages.at(0).rejection.rule;
  };
  for (const bool single : {true, false}) {
    EXPECT_EQ(rule("app-key", single), "not_from_clients");
    EXPECT_EQ(rule("import-key", single), "accepted");
  }
}

TEST(BodyReaderTest, ATimeThatCannotBeReadIsRefused) {
  const auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  const auto keys = *WriteKeys::Make({{"app", "app-key"}});
  MessageIdMaker ids;
  const auto rule = [&](const char* time) {
    std::string body = fmt::format(
        R"({{"event":"post_create","userId":"u","properties":{{"post_id":"p","topic":"t","text_length":1,"expires_at":{}}}}})",
        time);
    const BodyRequest request{&body, "track", keys.Find("app-key"), "", "", 1'795'384'326'400'000};
    const auto read = ReadBody(request, *plan, keys, {}, ids);
    return read->messages.at(0).accepted ? "accepted" : read->messages.at(0).rejection.rule;
  };
  EXPECT_EQ(rule(R"("2027-01-01T00:00:00Z")"), "accepted");
  EXPECT_EQ(rule(R"("2027-01-01")"), "accepted");
  EXPECT_EQ(rule("null"), "accepted") << "as if it were not there";
  EXPECT_EQ(rule(R"("next tuesday")"), "no_time");
  EXPECT_EQ(rule(R"("1767225600.0")"), "no_time");
  EXPECT_EQ(rule("1767225600"), "wrong_type");
}

// Whoever somebody else knows may write, under a name that stays when the key changes.
TEST(WriteKeysTest, AskWhoeverKnows) {
  std::string good = "first";
  const WriteKeys keys = WriteKeys::Of({"app", "", 100, 200}, {"import", "", 300, 400, true},
                                       [&](std::string_view key) -> std::optional<Writer> {
                                         if (key == "servers") return Writer{"batch-job", true};
                                         return key == good ? std::optional(Writer{"phone", false}) : std::nullopt;
                                       });
  const WriteKey* phone = keys.Find("first");
  ASSERT_NE(phone, nullptr);
  EXPECT_EQ(phone->name, "phone");
  EXPECT_EQ(phone->batch_bytes_max, 200U);
  EXPECT_EQ(keys.Find("second"), nullptr);
  good = "second";
  EXPECT_EQ(keys.Find("first"), nullptr);
  EXPECT_EQ(keys.Find("second"), phone);
  EXPECT_EQ(phone->name, "phone") << "it stays for requests on their way";
  EXPECT_TRUE(keys.Find("servers")->bulk);
  EXPECT_EQ(keys.Find("servers")->event_bytes_max, 300U);
  EXPECT_EQ(keys.unknown_bytes_max(), 200U);
}

}  // namespace
}  // namespace feedmill::ingest
