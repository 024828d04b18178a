#include "console/console_service.h"

#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace feedmill::console {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

class ConsoleServiceTest : public testing::Test {
 protected:
  ConsoleServiceTest() {
    wiring_.may_administer = [](std::string_view token) { return token == "secret"; };
    wiring_.keys = [] { return ConsoleKeys{"read", "write"}; };
    wiring_.activity = &activity_;
    wiring_.state = [] {
      StateTiles tiles;
      tiles.now = 1'780'000'000 * kMicrosPerSecond;
      tiles.lake_committed_at = tiles.now - 5 * kMicrosPerSecond;
      tiles.events_total = 42;
      tiles.live_bundle = "abc";
      return tiles;
    };
    wiring_.users = [](const std::string& search, int limit) -> Result<std::vector<UserRow>> {
      return std::vector<UserRow>{{fmt::format("{}-{}", search, limit), 1, 2, 0}};
    };
    wiring_.promote = [](const std::string& id, bool force) -> Result<registry::Promotion> {
      if (id == "missing") return NotFound("bundle {} does not exist", id);
      return registry::Promotion{force, "because"};
    };
    wiring_.route = [this](io::HttpRequest&& request, io::HttpResponder&& respond) {
      routed_ = std::move(request);
      respond({.status = 200, .body = R"({"routed":true})"});
    };
  }

  io::HttpResponse Send(const std::string& method, const std::string& path, const std::string& body = "",
                        const std::string& token = "secret") {
    if (service_ == nullptr) service_ = MakeConsoleService(wiring_);
    io::HttpRequest request;
    request.method = method;
    request.path = path.substr(0, path.find('?'));
    if (path.find("?q=") != std::string::npos) request.query = {{"q", path.substr(path.find("?q=") + 3)}};
    request.body = body;
    if (!token.empty()) request.headers = {{"authorization", "Bearer " + token}};
    std::promise<io::HttpResponse> answered;
    service_->Handle(std::move(request),
                     io::HttpResponder([&](io::HttpResponse&& response) { answered.set_value(std::move(response)); }));
    return answered.get_future().get();
  }

  ActivityRing activity_;
  ConsoleWiring wiring_;
  io::HttpRequest routed_;
  std::unique_ptr<ConsoleService> service_;
};

TEST_F(ConsoleServiceTest, RefusesWithoutTheToken) {
  for (const char* token : {"", "wrong", "secret2", "secre"}) {
    const io::HttpResponse refused = Send("GET", "/v1/admin/state", "", token);
    EXPECT_EQ(refused.status, 401) << token;
    EXPECT_THAT(refused.body, HasSubstr("admin token"));
  }
  EXPECT_EQ(Send("POST", "/v1/admin/act", "{}", "").status, 401);
  EXPECT_EQ(Send("GET", "/v1/admin/state").status, 200);
}

TEST_F(ConsoleServiceTest, AnEmptyTokenLetsNobodyIn) {
  wiring_.may_administer = nullptr;
  EXPECT_EQ(Send("GET", "/v1/admin/state", "", "").status, 401);
}

TEST_F(ConsoleServiceTest, ShowsTheState) {
  const Json state = Json::parse(Send("GET", "/v1/admin/state").body);
  EXPECT_EQ(state["events_total"], 42);
  EXPECT_EQ(state["lake_age_s"], 5.0);
  EXPECT_EQ(state["bundle"]["id"], "abc");
  EXPECT_TRUE(state["history"]["feed_p99_ms"].is_array());
}

TEST_F(ConsoleServiceTest, FindsUsersAndActivity) {
  EXPECT_EQ(Json::parse(Send("GET", "/v1/admin/users?q=ada").body)["users"][0]["id"], "ada-50");
  LogRecord record;
  record.event.type = "track";
  record.event.name = "like";
  record.event.user_id = "ada\xff";
  activity_.Observe(record);
  EXPECT_EQ(Json::parse(Send("GET", "/v1/admin/events").body)["events"][0]["name"], "like");
}

TEST_F(ConsoleServiceTest, KeysNeedTheToken) {
  EXPECT_EQ(Send("GET", "/v1/admin/keys", "", "").status, 401);
  const Json keys = Json::parse(Send("GET", "/v1/admin/keys").body);
  EXPECT_EQ(keys, (Json{{"write", "write"}, {"read", "read"}}));
  for (const char* page : {"/console/", "/console/events"}) {
    const std::string html = Send("GET", page, "", "").body;
    EXPECT_EQ(html.find("\"write\""), std::string::npos) << page;
    EXPECT_EQ(html.find("secret"), std::string::npos) << page;
  }
}

TEST_F(ConsoleServiceTest, ShowsThePlanAndTitles) {
  wiring_.plan = []() -> Result<std::vector<PlannedEvent>> {
    return std::vector<PlannedEvent>{{"like", R"({"required":["post_id"]})"}, {"broken", "{"}};
  };
  wiring_.titles = [](const std::vector<DatedPost>& posts) -> Result<std::map<std::string, std::string>> {
    return std::map<std::string, std::string>{{posts[0].id, fmt::format("{}", posts[0].created_at)}};
  };
  const Json plan = Json::parse(Send("GET", "/v1/admin/plan").body)["events"];
  EXPECT_EQ(plan[0]["schema"]["required"][0], "post_id");
  EXPECT_TRUE(plan[1]["schema"].is_null());
  const std::string asked = R"({"posts":[{"id":"p","created_at":"1970-01-01T00:00:01Z"}]})";
  EXPECT_EQ(Json::parse(Send("POST", "/v1/admin/titles", asked).body)["titles"]["p"], "1000000");
  for (const char* wrong :
       {"", "{}", R"({"posts":[]})", R"({"posts":[{"id":"p"}]})", R"({"posts":[{"id":"p","created_at":"x"}]})"})
    EXPECT_EQ(Send("POST", "/v1/admin/titles", wrong).status, 400) << wrong;
}

TEST_F(ConsoleServiceTest, PromotesAndReportsErrors) {
  const Json forced = Json::parse(Send("POST", "/v1/admin/bundle/promote", R"({"id":"x","force":true})").body);
  EXPECT_EQ(forced["promoted"], true);
  EXPECT_EQ(Send("POST", "/v1/admin/bundle/promote", R"({"id":"missing"})").status, 404);
  EXPECT_EQ(Send("POST", "/v1/admin/bundle/promote", R"({"id":7})").status, 400);
  EXPECT_EQ(Send("POST", "/v1/admin/bundle/rollback").status, 501);
}

TEST_F(ConsoleServiceTest, ActsWithTheWriteKeyThatNoBrowserHas) {
  const std::string body =
      R"({"action":"like","user_id":"ada","item_id":"p1","author_id":"bob","position":3,"scene":"home","request_id":"r"})";
  EXPECT_EQ(Send("POST", "/v1/admin/act", body).status, 200);
  EXPECT_EQ(routed_.path, "/v1/track");
  EXPECT_EQ(routed_.Header("authorization"), "Basic d3JpdGU6");
  const Json event = Json::parse(routed_.body);
  EXPECT_EQ(event["event"], "like");
  EXPECT_EQ(event["properties"]["position"], 3);
  EXPECT_FALSE(event["messageId"].get<std::string>().empty());
  EXPECT_EQ(Send("POST", "/v1/admin/act", R"({"action":"dance","user_id":"ada"})").status, 400);
  EXPECT_EQ(Send("GET", "/v1/admin/act").status, 405);
}

TEST_F(ConsoleServiceTest, AsksForFeedsWithTheReadKey) {
  EXPECT_EQ(Send("POST", "/v1/admin/feed", R"({"user_id":"ada"})").status, 200);
  EXPECT_EQ(routed_.path, "/v1/feed");
  EXPECT_EQ(routed_.Header("authorization"), "Bearer read");
  const std::string supposed =
      R"({"user_id":"ada","suppose":[{"action":"hide","user_id":"ada","item_id":"p","author_id":"b"}]})";
  EXPECT_EQ(Send("POST", "/v1/admin/feed", supposed).status, 200);
  EXPECT_EQ(Json::parse(routed_.body)["suppose"][0]["properties"]["post_id"], "p");
  EXPECT_EQ(Send("POST", "/v1/admin/feed", R"({"suppose":[{"action":"fly"}]})").status, 400);
  Send("GET", "/v1/admin/explain/r1");
  EXPECT_EQ(routed_.path, "/v1/explain/r1");
}

TEST_F(ConsoleServiceTest, TheClockIsSetOnlyWhenItIsDriven) {
  EXPECT_EQ(Send("POST", "/v1/admin/clock", R"({"now":"2026-01-01T00:00:00Z"})").status, 409);
  service_ = nullptr;
  Micros set = 0;
  wiring_.set_clock = [&](Micros now) -> Status {
    set = now;
    return Ok();
  };
  EXPECT_EQ(Send("POST", "/v1/admin/clock", R"({"now":"1970-01-01T00:00:01Z"})").status, 200);
  EXPECT_EQ(set, kMicrosPerSecond);
  EXPECT_EQ(Send("POST", "/v1/admin/clock", R"({"now":"yesterday"})").status, 400);
  EXPECT_EQ(Send("PUT", "/v1/admin/clock").status, 405);
}

TEST_F(ConsoleServiceTest, UnknownPathsNameWhatThereIs) {
  const io::HttpResponse missing = Send("GET", "/v1/admin/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, HasSubstr("bundle/promote"));
}

TEST_F(ConsoleServiceTest, ServesThePagesWithoutAToken) {
  const io::HttpResponse page = Send("GET", "/console/", "", "");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("<div id=\"root\">"));
  EXPECT_EQ(Send("GET", "/console", "", "").status, 308);
}

TEST_F(ConsoleServiceTest, StopsCleanly) {
  Send("GET", "/v1/admin/state");
  service_->Stop();
  service_->Stop();
  EXPECT_EQ(Send("GET", "/v1/admin/state").status, 503);
}

}  // namespace
}  // namespace feedmill::console
