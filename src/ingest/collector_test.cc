// The collector over real HTTP: what clients send, what they hear, what the log then has.
#include "ingest/collector_fixture.h"

#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "data/event_codec.h"
#include "ingest/message_reader_internal.h"
#include "io/gzip.h"
#include "io/harsh_file_system.h"
#include "io/http_client.h"

namespace feedmill::ingest {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(CollectorTest, ATrackedEventIsInTheLogWhenItIsAnswered) {
  auto reply =
      Post("/v1/track",
           R"({"messageId":"m1","event":"like","userId":"u1","anonymousId":null,"timestamp":"2026-09-21T00:00:00Z",
      "context":{"ip":"203.0.113.77","userAgent":"Phone 1","os":{"name":"x"}},"properties":{"post_id":"p1","position":3,"scene":null}})");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body,
            R"({"success":true,"position":"0:0","accepted":1,"duplicates":0,"rejected_count":0,"rejected":[]})");
  auto records = Records();
  ASSERT_EQ(records.size(), 1u);
  const Event& event = records[0].event;
  EXPECT_EQ(records[0].kind, RecordKind::kEvent);
  EXPECT_EQ(event.message_id, "m1");
  EXPECT_EQ(event.type, "track");
  EXPECT_EQ(event.name, "like");
  EXPECT_EQ(event.user_id, "u1");
  EXPECT_EQ(event.anonymous_id, "");
  EXPECT_EQ(event.remote_ip, "203.0.113.0");
  EXPECT_EQ(event.user_agent, "Phone 1");
  EXPECT_EQ(event.source, "app");
  EXPECT_EQ(event.context, R"({"userAgent":"Phone 1","os":{"name":"x"}})");
  EXPECT_EQ(event.properties, R"({"post_id":"p1","position":3,"scene":null})");
  EXPECT_EQ(event.received_time, clock_.Now());
}

TEST_F(CollectorTest, AClientsWrongClockIsCorrectedBySentAt) {
  Micros now = clock_.Now();  // 2026-09-21T14:13:20Z
  Post("/v1/batch",
       R"({"sentAt":"2020-01-01T00:00:10Z","batch":[)" + Like("a", R"(,"timestamp":"2020-01-01T00:00:00Z")") + "]}");
  Post("/v1/batch", Batch({Like("b", R"(,"timestamp":"2020-01-01T00:00:00.5Z")"),
                           Like("c", R"(,"timestamp":"2026-09-21T14:13:30Z")"), Like("d"),
                           Like("e", R"(,"timestamp":"2026-12-01T00:00:00Z")"),
                           Like("f", R"(,"timestamp":"1980-01-01")"), Like("g", R"(,"timestamp":"soon")")}));
  auto records = Records();
  ASSERT_EQ(records.size(), 7u);
  EXPECT_EQ(records[0].event.event_time, now - 10 * kMicrosPerSecond);
  EXPECT_EQ(records[0].event.original_time, 1577836800 * kMicrosPerSecond);
  EXPECT_EQ(records[1].event.event_time, 1577836800 * kMicrosPerSecond + 500'000);
  EXPECT_EQ(records[2].event.event_time, now);  // a little early: capped
  EXPECT_EQ(records[3].event.event_time, now);
  EXPECT_EQ(records[4].rejection.rule, "time_in_future");
  EXPECT_EQ(records[5].rejection.rule, "time_too_old");
  EXPECT_EQ(records[6].rejection.rule, "malformed_time");
}

TEST_F(CollectorTest, ABatchKeepsItsGoodEventsAndNamesTheBad) {
  auto reply = Post(
      "/v1/batch",
      Batch({Like("a"), R"({"messageId":"b","type":"track","event":"jump","userId":"u"})",
             R"({"messageId":"c","type":"track","event":"like","userId":"u","properties":{"post_id":7}})", Like("d")}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body,
              AllOf(HasSubstr(R"("position":"0:3","accepted":2,"duplicates":0,"rejected_count":2)"),
                    HasSubstr(R"({"index":1,"messageId":"b","field":"event","rule":"unknown_event")"),
                    HasSubstr(R"({"index":2,"messageId":"c","field":"properties.post_id","rule":"wrong_type",)"
                              R"("reason":"found integer 7, allowed string"})")));
  auto records = Records();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[1].kind, RecordKind::kRejected);
  EXPECT_EQ(records[1].rejection.raw, R"({"messageId":"b","type":"track","event":"jump","userId":"u"})");
  EXPECT_EQ(records[1].event.user_id, "u");
}

TEST_F(CollectorTest, ASingleBadEventIsA400AndIsKept) {
  auto reply = Post("/v1/track", R"({"event":"dwell","userId":"u","properties":{"post_id":"p","dwell_ms":-5}})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(
      reply.body,
      R"({"success":false,"rule":"too_small","field":"properties.dwell_ms","reason":"found -5, at least 0 is allowed"})");
  ASSERT_EQ(Records().size(), 1u);
  EXPECT_EQ(Records()[0].rejection.rule, "too_small");
}

TEST_F(CollectorTest, OtherMessageTypesKeepWhatTheyBring) {
  EXPECT_EQ(Post("/v1/identify", R"({"userId":"u","traits":{"country":"DE","topics":["a","b"],"plan":1}})").status,
            200);
  EXPECT_EQ(Post("/v1/page", R"({"userId":"u","name":"Home","category":null,"properties":{"url":"/"}})").status, 200);
  EXPECT_EQ(Post("/v1/group", R"({"userId":"u","groupId":"g\"1","traits":{"size":3}})").status, 200);
  EXPECT_EQ(Post("/v1/a", R"({"userId":"u","previousId":"old"})").status, 200);
  EXPECT_EQ(Post("/v1/identify", R"({"userId":"u","traits":{"country":"Germany"}})").status, 400);
  auto records = Records();
  EXPECT_EQ(records[0].event.properties, R"({"country":"DE","topics":["a","b"],"plan":1})");
  EXPECT_EQ(records[1].event.properties, R"({"name":"Home","url":"/"})");
  EXPECT_EQ(records[2].event.properties, R"({"groupId":"g\"1","size":3})");
  EXPECT_EQ(records[3].event.properties, R"({"previousId":"old"})");
  EXPECT_EQ(records[4].rejection.field, "traits.country");
  EXPECT_NE(records[0].event.message_id, records[1].event.message_id);
  EXPECT_THAT(records[0].event.message_id, testing::StartsWith("srv-"));
}

TEST_F(CollectorTest, RetriesAreAcknowledgedAndNotStoredAgain) {
  EXPECT_THAT(Post("/v1/batch", Batch({Like("a"), Like("b"), Like("a")})).body,
              HasSubstr(R"("accepted":2,"duplicates":1)"));
  EXPECT_THAT(Post("/v1/batch", Batch({Like("b"), Like("c")})).body,
              HasSubstr(R"("position":"0:2","accepted":1,"duplicates":1)"));
  EXPECT_THAT(Post("/v1/track", Like("a")).body, HasSubstr(R"("position":"0:2","accepted":0,"duplicates":1)"));
  EXPECT_EQ(Records().size(), 3u);
}

TEST_F(CollectorTest, TooWideANumberCostsItsEventAndNoOther) {
  const std::string wide = std::string(30, '9');
  auto with = [](std::string_view id, std::string_view number) {
    return fmt::format(
        R"({{"messageId":"{}","type":"track","event":"app_open","userId":"u1","properties":{{"text":"p}}\"1","x":[1,{{"y":{}}}]}}}})",
        id, number);
  };
  auto reply = Post("/v1/batch", Batch({Like("a"), with("b", wide), Like("c"), with("d", "-1e400"), with("e", "1e-400"),
                                        with("f", "18446744073709551615")}));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("accepted":4,"duplicates":0,"rejected_count":2)"),
                                HasSubstr(R"({"index":1,"messageId":"b","field":"properties.x[1].y",)"
                                          R"("rule":"number_out_of_range","reason":"found )" +
                                          wide + ", allowed is an integer of 64 bits"),
                                HasSubstr(R"({"index":3,"messageId":"d",)"),
                                HasSubstr("found -1e400, allowed is a number of at most 1.8e308")));
  auto records = Records();
  ASSERT_EQ(records.size(), 6u);
  EXPECT_EQ(records[1].kind, RecordKind::kRejected);
  EXPECT_EQ(records[1].event.user_id, "u1");
  EXPECT_EQ(records[1].rejection.raw, with("b", wide));  // as it was sent
  EXPECT_EQ(records[2].event.message_id, "c");

  reply = Post("/v1/track", with("g", wide));
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr(R"("rule":"number_out_of_range","field":"properties.x[1].y")"));
  EXPECT_EQ(Records().back().rejection.raw, with("g", wide));
  // Beside the messages a number is nobody's.
  EXPECT_EQ(Post("/v1/batch", fmt::format(R"({{"x":{},"batch":[{}]}})", wide, Like("h"))).status, 200);
  EXPECT_EQ(Post("/v1/batch", fmt::format(R"({{"batch":[{},{}]}})", wide, Like("i"))).status, 200);
  for (const char* broken : {"012", "1.", "-", "1e", "+1"}) {
    EXPECT_THAT(Post("/v1/batch", Batch({with("j", broken), with("k", wide)})).body,
                AllOf(HasSubstr(R"("rejected_count":2)"), HasSubstr(R"("index":0,"messageId":"srv-)"),
                      HasSubstr("malformed_json"), HasSubstr(R"("index":1,"messageId":"k")")));
  }
}

TEST_F(CollectorTest, AMessageThatIsNoJsonCostsItselfAndNoOther) {
  const auto like = [](std::string_view id, std::string_view text) {
    return fmt::format(
        R"({{"messageId":"{}","type":"track","event":"app_open","userId":"u1","properties":{{"x":"{}"}}}})", id, text);
  };
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  const std::vector<std::string> broken = {like("b", R"(so funny \ud83d)"),
                                           like("c", "caf\xe9"),
                                           like("d", "a\x01"),
                                           like("e", R"(\q)"),
                                           fmt::format(R"({{"messageId":"f","x":{}}})", deep),
                                           R"({"messageId" "g"})",
                                           R"({"messageId":"h",})",
                                           "nonsense"};
  for (const std::string& one : broken) {
    const std::string before = like("z" + std::to_string(&one - broken.data()), "]}, \\\"[");
    const auto reply = Post("/v1/batch", Batch({before, one}));
    EXPECT_EQ(reply.status, 200) << one;
    EXPECT_THAT(reply.body, AllOf(HasSubstr(R"("accepted":1)"), HasSubstr(R"("index":1,)"),
                                  HasSubstr(R"("rule":"malformed_json","reason":"the message is no JSON: )")))
        << one;
  }
  const auto records = Records();
  EXPECT_EQ(records[1].rejection.raw, broken[0]);                         // as it was sent
  EXPECT_THAT(records[3].rejection.raw, HasSubstr("caf\xef\xbf\xbd\""));  // a column of text holds UTF-8 only

  // Where a message ends cannot be told: the whole body is refused.
  for (const char* cut : {R"({"messageId":"i")", R"({"messageId":"j)", R"({"a":[1})"})
    EXPECT_EQ(Post("/v1/batch", Batch({like("k", "x"), cut})).status, 400) << cut;
}

TEST_F(CollectorTest, OfTwoKeysEqualMessageIdsAreTwoEvents) {
  EXPECT_THAT(Post("/v1/track", Like("a")).body, HasSubstr(R"("accepted":1,"duplicates":0)"));
  EXPECT_THAT(Post("/v1/track", Like("import:a")).body, HasSubstr(R"("accepted":1,"duplicates":0)"));
  EXPECT_THAT(Post("/v1/track", Like("a"), "import-key").body, HasSubstr(R"("accepted":1,"duplicates":0)"));
  EXPECT_THAT(Post("/v1/track", Like("a"), "import-key").body, HasSubstr(R"("accepted":0,"duplicates":1)"));
  Stop();
  Start();  // and so by what is read from the log
  EXPECT_THAT(Post("/v1/track", Like("a"), "import-key").body, HasSubstr(R"("accepted":0,"duplicates":1)"));
  EXPECT_EQ(Records().size(), 3u);
}

TEST_F(CollectorTest, WhatTheLogHasIsKnownAfterARestart) {
  options_.dedupe_checkpoint = "dedupe";
  for (bool with_checkpoint : {false, true}) {
    Stop();
    Start();
    Post("/v1/track", Like("a"));
    Post("/v1/track", Like(with_checkpoint ? "c" : "b"));
    if (with_checkpoint) {
      ASSERT_TRUE(collector_->Checkpoint());
    }
    Post("/v1/track", Like(with_checkpoint ? "d" : "b"));
  }
  Stop();
  Start();
  auto reply = Post("/v1/batch", Batch({Like("a"), Like("b"), Like("c"), Like("d"), Like("e")}));
  EXPECT_THAT(reply.body, HasSubstr(R"("accepted":1,"duplicates":4)"));
  EXPECT_EQ(Records().size(), 5u);
}

// The log was lost with records that had not landed; the lake has the others.
TEST_F(CollectorTest, WhatTheLakeHasIsKnownThoughTheLogLostIt) {
  Stop();
  ASSERT_TRUE(SkipLogRecords(files_, clock_, log_options_, 0, {3, 8}));
  std::vector<std::pair<uint64_t, uint64_t>> asked;
  ids_in_lake_ = [&](uint32_t, OffsetRange range, Micros oldest,
                     const std::function<void(std::string_view, Micros)>& visit) -> Status {
    EXPECT_EQ(oldest, clock_.Now() - options_.dedupe.horizon);
    asked.emplace_back(range.from, range.to);
    if (range.from == 0) visit("landed-long-ago", clock_.Now());
    if (range.from == 3) visit("import:landed", clock_.Now());
    return Ok();
  };
  Start();
  EXPECT_THAT(asked, testing::ElementsAre(std::pair(0u, 3u), std::pair(3u, 8u)));
  EXPECT_THAT(Post("/v1/track", Like("landed-long-ago")).body, HasSubstr(R"("duplicates":1)"));
  EXPECT_THAT(Post("/v1/track", Like("landed"), "import-key").body, HasSubstr(R"("duplicates":1)"));
  EXPECT_THAT(Post("/v1/track", Like("lost")).body, HasSubstr(R"("position":"0:8","accepted":1)"));
}

TEST_F(CollectorTest, ACheckpointOfALongerLogIsRefused) {
  options_.dedupe_checkpoint = "dedupe";
  Stop();
  Start();
  Post("/v1/track", Like("a"));
  ASSERT_TRUE(collector_->Checkpoint());
  Stop();
  ASSERT_TRUE(files_.RemoveAll("log"));
  log_ = *OpenEventLog(files_, clock_, log_options_);
  auto opened = Collector::Open({files_, clock_, *log_, *plan_, *metrics_}, options_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(),
              HasSubstr("knows messages up to record 1 of partition 0, but the event log ends at record 0"));
}

TEST_F(CollectorTest, ACheckpointIsDueWhenTheNextStartWouldReadMuch) {
  EXPECT_FALSE(collector_->CheckpointIsDue());  // none is configured
  options_.dedupe_checkpoint = "dedupe";
  Stop();
  Start();
  EXPECT_FALSE(collector_->CheckpointIsDue());
  for (int batch = 0; batch < 6; ++batch) {
    std::vector<std::string> messages;
    for (int i = 0; i < 10'000; ++i) messages.push_back(Like(fmt::format("m{}-{}", batch, i)));
    ASSERT_EQ(Post("/v1/batch", Batch(messages), "import-key").status, 200);
  }
  EXPECT_TRUE(collector_->CheckpointIsDue());
  ASSERT_TRUE(collector_->Checkpoint());
  EXPECT_FALSE(collector_->CheckpointIsDue());
  Stop();
  Start();
  EXPECT_FALSE(collector_->CheckpointIsDue());
}

TEST_F(CollectorTest, WrongInputTour) {
  auto refused = [&](io::HttpReply reply, int status, std::string_view part) {
    EXPECT_EQ(reply.status, status);
    EXPECT_THAT(reply.body, HasSubstr(std::string(part)));
  };
  refused(Post("/v1/batch", R"({"batch":[)"), 400, "malformed_json");
  refused(Post("/v1/batch", "[]"), 400, "the body is no JSON object");
  refused(Post("/v1/batch", "{}"), 400, "found no list of messages under batch");
  refused(Post("/v1/batch", R"({"batch":[]})"), 400, "found an empty list");
  refused(Post("/v1/batch", R"({"batch":[],"sentAt":"later"})"), 400, R"("field":"sentAt")");
  refused(Post("/v1/track", R"({"event":"like"})"), 400, "missing_user");
  refused(Post("/v1/track", R"({"userId":"u"})"), 400, "missing_event");
  refused(Post("/v1/track", R"({"userId":17,"event":"like"})"), 400, "found number, allowed string");
  refused(Post("/v1/track", R"({"userId":"u","event":"like","properties":[]})"), 400, "found array, allowed object");
  refused(Post("/v1/track", R"({"userId":"u","event":"like","context":"x"})"), 400, R"("field":"context")");
  refused(Post("/v1/track", std::string(100, '[')), 400, "malformed_json");
  refused(Post("/v1/batch", Batch({R"({"type":"dance","userId":"u"})", "3"})), 200, "unknown_type");
  size_t kept = Records().size();
  EXPECT_EQ(kept, 13u);

  refused(Post("/v1/track", Like("k"), "other-key"), 401, "wrong_write_key");
  refused(Post("/v1/track", Like("k"), ""), 401, "missing_write_key");
  refused(Post("/v1/track", Like("k", R"(,"writeKey":"import-key")")), 401,
          "header and body name different write keys");
  refused(Post("/v1/track", Like("k", R"(,"writeKey":3)")), 401, "wrong_write_key");
  refused(Post("/v1/dance", "{}"), 404, "no such path");
  EXPECT_EQ(client_->Send("GET", "/v1/track", {}, "", Deadline::After(kMicrosPerSecond))->status, 405);
  EXPECT_EQ(Records().size(), kept);  // strangers leave nothing
  EXPECT_EQ(Post("/v1/track", Like("k1", R"(,"writeKey":"app-key")")).status, 200);
  EXPECT_EQ(Post("/v1/track", Like("k2", R"(,"writeKey":"app-key")"), "").status, 200);

  std::string large(400'000, 'x');
  std::string search = fmt::format(R"({{"userId":"u","event":"app_open","properties":{{"text":"{}"}}}})", large);
  refused(Post("/v1/track", search), 400, "event_too_large");
  EXPECT_EQ(Post("/v1/track", search, "import-key").status, 200);
  refused(Post("/v1/batch", Batch({search, search})), 413, "at most 512000 are allowed");
  refused(Post("/v1/batch", std::string(10 << 20, ' ')), 413, "");
  EXPECT_EQ(Post("/v1/track", Like("last")).status, 200);  // and the server stands
}

TEST_F(CollectorTest, GzipBodiesAreRead) {
  auto reply = Post("/v1/batch", io::Gzip(Batch({Like("a")})), "app-key", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(Records().size(), 1u);
}

TEST_F(CollectorTest, AFailingDiskIs503AndTheServerStaysUp) {
  ASSERT_EQ(Post("/v1/track", Like("a")).status, 200);
  files_.FailCall(1, io::Fault::kNoSpace);
  auto reply = Post("/v1/track", Like("b"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("retry-after"), "1");
  int status = 503;
  for (int i = 0; i < 500 && status == 503; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    status = Post("/v1/track", Like("b")).status;
  }
  EXPECT_EQ(status, 200);  // room again, and the failed claim of "b" does not stand in the way
  EXPECT_EQ(Records().size(), 2u);
}

TEST(TruncateAddressTest, KeepsTheNetworkOnly) {
  EXPECT_EQ(TruncateAddress("203.0.113.77"), "203.0.113.0");
  EXPECT_EQ(TruncateAddress("2001:db8:1:2::3"), "2001:db8:1::");
  EXPECT_EQ(TruncateAddress("::ffff:203.0.113.77"), "203.0.113.0");
  EXPECT_EQ(TruncateAddress("somewhere"), "");
  EXPECT_EQ(TruncateAddress(std::string(1000, '1')), "");
}

TEST(BasicUserTest, ReadsTheUserName) {
  EXPECT_EQ(BasicUser(Base64Encode("key:")), "key");
  EXPECT_EQ(BasicUser(Base64Encode("key:pass:word")), "key");
  EXPECT_EQ(BasicUser(""), std::nullopt);
  EXPECT_EQ(BasicUser("***"), std::nullopt);
  EXPECT_FALSE(WriteKeys::Make({}));
  EXPECT_FALSE(WriteKeys::Make({{"a", "k"}, {"b", "k"}}));
}

}  // namespace
}  // namespace feedmill::ingest
