// Pages in browsers, and who may read /metrics: what the router lets through.
#include "app/browser_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/router.h"
#include "base/matchers.h"

namespace feedmill::app {
namespace {

using testing::HasSubstr;

std::string HeaderOf(const io::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

io::HttpRequest Request(std::string method, std::string path,
                        std::vector<std::pair<std::string, std::string>> headers = {}) {
  io::HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.headers = std::move(headers);
  return request;
}

TEST(BrowserAccess, OriginsAreMatchedWhole) {
  const auto access = BrowserAccess::Make({"https://App.example", "http://localhost:*"});
  ASSERT_THAT(access, IsOk());
  for (const char* origin : {"https://app.example", "HTTPS://APP.EXAMPLE", "http://localhost", "http://localhost:3000"})
    EXPECT_TRUE(access->Allows(origin)) << origin;
  for (const char* origin :
       {"http://app.example", "https://app.example:444", "https://app.example.evil", "https://evil-app.example", "null",
        "", "http://localhost:", "http://localhost:3000.evil", "http://localhost.evil:1", "https://localhost:3000"})
    EXPECT_FALSE(access->Allows(origin)) << origin;
  EXPECT_TRUE(BrowserAccess::Make({"*"})->Allows("https://anything"));
  EXPECT_FALSE(BrowserAccess().Allows("https://app.example"));
  for (const char* wrong : {"app.example", "https://app.example/", "https://*.example", "", "://x"}) {
    EXPECT_THAT(BrowserAccess::Make({wrong}), IsError(ErrorKind::kInvalidArgument, HasSubstr("http.allowed_origins")));
  }
}

TEST(BrowserAccess, APreflightSaysWhatIsAllowed) {
  Router router;
  router.browsers = *BrowserAccess::Make({"https://app.example"});
  const auto ask = [&](const char* origin) {
    io::HttpResponse answer;
    router.All(Request("OPTIONS", "/v1/t",
                       {{"origin", origin},
                        {"access-control-request-method", "POST"},
                        {"access-control-request-headers", "content-type"}}),
               io::HttpResponder([&](io::HttpResponse&& response) { answer = std::move(response); }));
    return answer;
  };
  const io::HttpResponse good = ask("https://app.example");
  EXPECT_EQ(good.status, 204);
  EXPECT_EQ(HeaderOf(good, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_THAT(HeaderOf(good, "Access-Control-Allow-Headers"), HasSubstr("content-type"));
  EXPECT_EQ(HeaderOf(good, "Vary"), "Origin");
  const io::HttpResponse bad = ask("https://other.example");
  EXPECT_EQ(bad.status, 403);
  EXPECT_EQ(HeaderOf(bad, "Access-Control-Allow-Origin"), "");
  EXPECT_THAT(bad.body, HasSubstr("http.allowed_origins"));
}

TEST(BrowserAccess, AnswersToAllowedPagesMayBeRead) {
  const BrowserAccess access = *BrowserAccess::Make({"https://app.example"});
  for (const bool allowed : {true, false}) {
    io::HttpResponse answer;
    const auto request =
        Request("POST", "/v1/t", {{"origin", allowed ? "https://app.example" : "https://other.example"}});
    access.LetRead(request, io::HttpResponder([&](io::HttpResponse&& response) { answer = std::move(response); }))(
        {.status = 400});
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(HeaderOf(answer, "Access-Control-Allow-Origin"), allowed ? "https://app.example" : "");
    EXPECT_EQ(HeaderOf(answer, "Access-Control-Expose-Headers").empty(), !allowed);
  }
}

TEST(BrowserAccess, RefusalsOfTheHttpServerMayBeReadToo) {
  Router router;
  router.browsers = *BrowserAccess::Make({"https://app.example"});
  const std::pair<const char*, bool> paths[] = {{"/v1/batch", true},     {"/v1/feed", true},
                                                {"/v1/explain/r", true}, {"/v1/admin/bundles", false},
                                                {"/metrics", false},     {"", false}};
  for (const auto& [path, for_pages] : paths) {
    for (const char* origin : {"https://app.example", "https://other.example", ""}) {
      io::HttpResponse response{.status = 413};
      router.Refused(Request("POST", path, {{"origin", origin}}), &response);
      const bool readable = std::string_view(origin) == "https://app.example" && for_pages;
      EXPECT_EQ(HeaderOf(response, "Access-Control-Allow-Origin"), readable ? origin : "") << path << " " << origin;
    }
  }
}

class MetricsAccessTest : public testing::Test {
 protected:
  int Get(const std::string& address, const std::string& authorization = "") {
    auto request = Request("GET", "/metrics");
    request.remote_address = address;
    if (!authorization.empty()) request.headers.emplace_back("authorization", authorization);
    int status = 0;
    router_.All(std::move(request), io::HttpResponder([&](io::HttpResponse&& response) { status = response.status; }));
    return status;
  }
  MetricsRegistry registry_;
  Router router_{.metrics = &registry_, .may_read_metrics = [](std::string_view key) { return key == "secret"; }};
};

TEST_F(MetricsAccessTest, OtherMachinesNeedAKey) {
  EXPECT_EQ(Get("127.0.0.1"), 200);
  EXPECT_EQ(Get("::1"), 200);
  EXPECT_EQ(Get("203.0.113.7"), 401);
  EXPECT_EQ(Get("203.0.113.7", "Bearer wrong"), 401);
  EXPECT_EQ(Get("203.0.113.7", "bearer  secret"), 200);
}

TEST_F(MetricsAccessTest, AllNeedAKeyOrNobodyDoes) {
  router_.metrics_config.access = MetricsAccess::kKey;
  EXPECT_EQ(Get("127.0.0.1"), 401);
  EXPECT_EQ(Get("127.0.0.1", "Basic c2VjcmV0Og=="), 200);
  router_.metrics_config.access = MetricsAccess::kOpen;
  EXPECT_EQ(Get("203.0.113.7"), 200);
}

TEST_F(MetricsAccessTest, AServerOfTheirOwnTakesThemFromTheOthers) {
  router_.metrics_config.address = "127.0.0.1";
  EXPECT_EQ(Get("127.0.0.1"), 404);
  auto request = Request("GET", "/metrics");
  request.remote_address = "127.0.0.1";
  io::HttpResponse answer;
  router_.Metrics(std::move(request),
                  io::HttpResponder([&](io::HttpResponse&& response) { answer = std::move(response); }));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.content_type, HasSubstr("version=0.0.4"));
}

}  // namespace
}  // namespace feedmill::app
