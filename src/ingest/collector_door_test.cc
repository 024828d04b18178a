// Who gets in at the collector's door, what waits and what is put off; what browsers ask.
#include <future>

#include "base/cpu_time.h"
#include "ingest/collector_fixture.h"

namespace feedmill::ingest {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST_F(CollectorTest, NothingIsUnpackedForAStranger) {
  std::string bomb = io::Gzip(R"({"writeKey":"app-key","batch":[)" + std::string(15 << 20, ' ') + "]}");
  auto reply = Post("/v1/batch", bomb, "", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(reply.status, 401);
  EXPECT_THAT(reply.body, HasSubstr("a compressed body needs its write key"));
  reply = Post("/v1/batch", Batch({Like("a")}) + std::string(600'000, ' '), "");
  EXPECT_EQ(reply.status, 401);
  EXPECT_THAT(reply.body, HasSubstr("needs its write key as Basic user name"));
  EXPECT_EQ(metrics_->GetCounter("feedmill_collect_unauthorized_total", "").Value(), 2u);
  // Who is known is told how much may come out.
  reply = Post("/v1/batch", bomb, "app-key", {{"Content-Encoding", "GZip"}});
  EXPECT_EQ(reply.status, 413);
  EXPECT_THAT(reply.body, HasSubstr("more than 512000 bytes"));
  reply = Post("/v1/batch", "no gzip", "app-key", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("malformed_gzip"));
}

TEST_F(CollectorTest, ALargeBodyIsReadElsewhereAndTheSocketsGoOn) {
  // Handle returns before the body has been read, and small ones are answered meanwhile.
  std::vector<std::string> messages;
  for (int i = 0; i < 10'000; ++i) messages.push_back(Like(fmt::format("m{}", i)));
  std::promise<io::HttpResponse> large;
  io::HttpRequest request{"POST",          "/v1/batch", {}, {{"authorization", "Basic " + Base64Encode("import-key:")}},
                          Batch(messages), "127.0.0.1"};
  const double process_began = CpuMicros(CLOCK_PROCESS_CPUTIME_ID), thread_began = CpuMicros(CLOCK_THREAD_CPUTIME_ID);
  collector_->Handle(std::move(request),
                     io::HttpResponder([&](io::HttpResponse&& response) { large.set_value(std::move(response)); }));
  const double by_caller = CpuMicros(CLOCK_THREAD_CPUTIME_ID) - thread_began;
  auto answer = large.get_future();
  answer.wait();
  const double by_all = CpuMicros(CLOCK_PROCESS_CPUTIME_ID) - process_began;
  EXPECT_LT(by_caller * 4, by_all) << "the calling thread does not read it";
  EXPECT_THAT(answer.get().body, HasSubstr(R"("accepted":10000)"));
}

TEST_F(CollectorTest, ImportsAreSlowedBeforeOthers) {
  Stop();
  options_.import_queue_bytes_max = 1 << 20;
  Start();
  std::vector<std::string> messages;
  for (int i = 0; i < 10'000; ++i) messages.push_back(Like(fmt::format("m{}", i)));
  const std::string body = Batch(messages);
  ASSERT_GT(body.size(), options_.import_queue_bytes_max / 2);
  std::vector<std::promise<io::HttpResponse>> answers(8);
  for (auto& answer : answers) {
    io::HttpRequest request{"POST", "/v1/batch", {}, {{"authorization", "Basic " + Base64Encode("import-key:")}},
                            body,   "127.0.0.1"};
    collector_->Handle(std::move(request),
                       io::HttpResponder([&](io::HttpResponse&& response) { answer.set_value(std::move(response)); }));
  }
  // An app's batch finds its own place.
  EXPECT_EQ(Post("/v1/batch", Batch({Like("app")}) + std::string(20'000, ' ')).status, 200);
  int slowed = 0;
  for (auto& answer : answers) {
    const io::HttpResponse response = answer.get_future().get();
    if (response.status == 200) continue;
    EXPECT_EQ(response.status, 429);
    EXPECT_THAT(response.headers, testing::Contains(testing::Pair("Retry-After", "1")));
    EXPECT_THAT(response.headers, testing::Contains(testing::Pair("X-RateLimit-Reset", "1")));
    ++slowed;
  }
  EXPECT_GE(slowed, 5);
  EXPECT_LT(slowed, 8) << "one body is always taken, however large";
  EXPECT_EQ(metrics_->GetCounter("feedmill_collect_imports_slowed_total", "").Value(), static_cast<uint64_t>(slowed));
}

TEST_F(CollectorTest, AClientMayAskThatRefusalsAreErrors) {
  const std::string bad = R"({"messageId":"b","type":"track","event":"jump","userId":"u"})";
  for (const bool by_header : {false, true}) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (by_header) headers.emplace_back("Prefer", "respond-async, handling=strict");
    const std::string id = by_header ? "h" : "q";
    auto reply = Post(by_header ? "/v1/batch" : "/v1/batch?strict=1", Batch({Like(id), bad}), "app-key", headers);
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, AllOf(HasSubstr(R"({"success":false,)"), HasSubstr(R"("accepted":1)"),
                                  HasSubstr(R"("rule":"unknown_event")")));
    reply = Post("/v1/batch?strict=1", Batch({Like(id)}), "app-key", headers);
    EXPECT_EQ(reply.status, 200) << "a retry without the bad one is a success";
  }
  EXPECT_EQ(Post("/v1/batch", Batch({bad})).status, 200);
}

TEST_F(CollectorTest, TellsBrowsersWhereToSend) {
  const auto get = [&](std::string_view path) {
    return *client_->Send("GET", path, {}, "", Deadline::After(20 * kMicrosPerSecond));
  };
  auto reply = get("/v1/projects/app-key/settings");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body,
              AllOf(HasSubstr(R"("Segment.io":{"apiKey":"app-key")"),
                    HasSubstr(fmt::format(R"("apiHost":"127.0.0.1:{}/v1","protocol":"http")", server_->port()))));
  EXPECT_EQ(get("/v1/projects/no-key/settings").status, 404);
  EXPECT_EQ(get("/v1/projects/app-key").status, 404);
  EXPECT_EQ(Post("/v1/projects/app-key/settings", "{}").status, 405);
  Stop();
  options_.public_url = "https://events.example/";
  Start();
  EXPECT_THAT(get("/v1/projects/app-key/settings").body,
              HasSubstr(R"("apiHost":"events.example/v1","protocol":"https")"));
}

TEST_F(CollectorTest, TellsSendersHowFarTheLogIs) {
  Stop();
  options_.folder_id = "folder-1";
  Start();
  EXPECT_EQ(Post("/v1/batch", fmt::format(R"({{"batch":[{},{}]}})", Like("a"), Like("b"))).status, 200);
  const auto get = [&](std::string_view key) {
    return *client_->Send("GET", "/v1/position", {{"Authorization", "Basic " + Base64Encode(std::string(key) + ":")}},
                          "", Deadline::After(20 * kMicrosPerSecond));
  };
  EXPECT_EQ(get("import-key").body, R"({"folder":"folder-1","ends":[2]})");
  EXPECT_EQ(get("no-key").status, 401);
  EXPECT_EQ(Post("/v1/position", "{}").status, 405);
}

TEST_F(CollectorTest, WhatTheJsonLibrarySaysIsNotToldToClients) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"event":"like","userId":)", "missing or out of place"},
      {R"({"event":"li)", "does not end"},
      {"{\"event\":\"a\nb\"}", "control character"},
      {"{\"event\":\"\xff\"}", "not UTF-8"},
      {R"({"event":"\q"})", "unknown escape"},
      {R"({"event":nul})", "neither true, false nor null"},
  };
  for (const auto& [body, part] : cases) {
    const auto reply = Post("/v1/track", body);
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(reply.body, AllOf(HasSubstr("malformed_json"), HasSubstr(part))) << body;
    EXPECT_THAT(reply.body, testing::Not(testing::AnyOf(HasSubstr("simdjson"), HasSubstr("JSON document"),
                                                        HasSubstr("JSON string"))))
        << body;
  }
}

TEST_F(CollectorTest, AFullQueueIs429) {
  Stop();
  log_options_.queue_bytes_max = 2000;
  Start();
  std::vector<std::string> large;
  for (int i = 0; i < 40; ++i) large.push_back(Like(fmt::format("m{}", i)));
  EXPECT_EQ(Post("/v1/batch", Batch(large)).status, 413);  // could never be queued
  // The writer is held up where it says that a group is on disk; meanwhile the queue fills.
  std::promise<void> held, released;
  const std::string filler(1950, 'x');
  ASSERT_TRUE(log_->Append(0, {"first"}, [&](const Result<LogPosition>&) {
    held.set_value();
    released.get_future().wait();
  }));
  held.get_future().wait();
  ASSERT_TRUE(log_->Append(0, {filler}, [](const Result<LogPosition>&) {}));
  const auto refused = Post("/v1/track", Like("early"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.Header("retry-after"), "1");
  EXPECT_THAT(refused.body, HasSubstr("is full"));
  released.set_value();
  int status = 429;
  while (status == 429) status = Post("/v1/track", Like("later")).status;
  EXPECT_EQ(status, 200);
}

}  // namespace
}  // namespace feedmill::ingest
