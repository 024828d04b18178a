// Server-sent events of what arrives, over a real server.
#include "console/live_events.h"

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/metrics.h"
#include "io/http_client.h"
#include "io/http_server.h"

namespace feedmill::console {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr Micros kPatience = 20 * kMicrosPerSecond;

LogRecord Taken(const std::string& name) {
  LogRecord record;
  record.event.name = name;
  return record;
}
LogRecord Refused(const std::string& rule) {
  LogRecord record;
  record.kind = RecordKind::kRejected;
  record.rejection.rule = rule;
  return record;
}

class LiveEventsTest : public testing::Test {
 protected:
  LiveEventsTest() {
    io::HttpServerOptions options;
    options.metrics = &metrics_;
    server_ = io::StartHttpServer(options, [this](io::HttpRequest&& request, io::HttpResponder&& respond) {
                io::HttpResponse response;
                const uint64_t after = std::strtoull(std::string(request.Query("after")).c_str(), nullptr, 10);
                response.on_stream = [this, after, refused = request.Query("kind") == "refused"](io::HttpStream&& s) {
                  live_.Join(std::move(s), after, refused);
                };
                respond(std::move(response));
              }).value();
  }
  ~LiveEventsTest() override { server_.reset(); }

  // What a reader has heard when the events end, which `meanwhile` lets happen.
  std::string Heard(const std::string& target, const std::function<void()>& meanwhile) {
    std::string heard;
    std::thread reader([&] {
      auto client = io::MakeHttpClient("http://127.0.0.1:" + std::to_string(server_->port())).value();
      heard = client->Send("GET", target, {}, "", Deadline::After(kPatience)).value().body;
    });
    while (live_.readers() == 0) std::this_thread::yield();
    meanwhile();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // some looks at the ring
    live_.Stop();
    reader.join();
    return heard;
  }
  static std::vector<std::string> Names(const std::string& heard) {
    std::vector<std::string> names;
    for (size_t at = heard.find("data: "); at != std::string::npos; at = heard.find("data: ", at + 1)) {
      const auto row = nlohmann::json::parse(heard.substr(at + 6, heard.find('\n', at) - at - 6));
      names.push_back(row.contains("messages") ? "missed " + row["messages"].dump()
                      : row["rule"] != ""      ? row["rule"].get<std::string>()
                                               : row["name"].get<std::string>());
    }
    return names;
  }

  MetricsRegistry metrics_;
  ActivityRing ring_{4};
  LiveEvents live_{ring_, 2 * kMicrosPerMilli};
  std::unique_ptr<io::HttpServer> server_;
};

TEST_F(LiveEventsTest, WhatIsKeptAndThenWhatComes) {
  ring_.Observe(Taken("before"));
  const std::string heard = Heard("/", [&] {
    ring_.Observe(Taken("while"));
    ring_.Observe(Refused("unknown_event"));
  });
  EXPECT_THAT(Names(heard), ElementsAre("before", "while", "unknown_event"));
  EXPECT_THAT(heard, HasSubstr("id: 1\ndata: {"));
  EXPECT_TRUE(heard.ends_with("\n\n"));
}

TEST_F(LiveEventsTest, WhoComesBackGoesOnWhereItWas) {
  for (const char* name : {"one", "two", "three"}) ring_.Observe(Taken(name));
  EXPECT_THAT(Names(Heard("/?after=2", [] {})), ElementsAre("three"));
}

TEST_F(LiveEventsTest, WhoIsTooLateIsToldHowManyItMissed) {
  for (int i = 1; i <= 10; ++i) ring_.Observe(Taken("e" + std::to_string(i)));  // of which 4 are kept
  EXPECT_THAT(Names(Heard("/?after=3", [] {})), ElementsAre("missed 3", "e7", "e8", "e9", "e10"));
}

TEST_F(LiveEventsTest, ANumberOfAFormerProcessBeginsAnew) {
  ring_.Observe(Taken("one"));
  EXPECT_THAT(Names(Heard("/?after=5000", [] {})), ElementsAre("one"));
}

TEST_F(LiveEventsTest, RefusedOnesAlone) {
  ring_.Observe(Taken("fine"));
  ring_.Observe(Refused("malformed_json"));
  EXPECT_THAT(Names(Heard("/?kind=refused", [] {})), ElementsAre("malformed_json"));
}

TEST_F(LiveEventsTest, ReadersWhoLeaveAreForgotten) {
  {
    auto client = io::MakeHttpClient("http://127.0.0.1:" + std::to_string(server_->port())).value();
    EXPECT_FALSE(client->Send("GET", "/", {}, "", Deadline::After(50 * kMicrosPerMilli))) << "it goes on";
  }
  for (Micros begin = MonotonicMicros(); live_.readers() > 0 && MonotonicMicros() - begin < kPatience;)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(live_.readers(), 0u);
}

}  // namespace
}  // namespace feedmill::console
