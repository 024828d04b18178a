#include "io/http_message_internal.h"

#include <gtest/gtest.h>

namespace feedmill::io {
namespace {

TEST(HttpMessageTest, TargetsAreSplitAndDecoded) {
  HttpRequest request;
  ASSERT_TRUE(ParseTarget("/a%2Fb/c?x=1&&y=%3D%26&z&w=a=b#part", &request));
  EXPECT_EQ(request.path, "/a/b/c");
  EXPECT_EQ(request.query, (HttpHeaders{{"x", "1"}, {"y", "=&"}, {"z", ""}, {"w", "a=b"}}));
}

TEST(HttpMessageTest, AbsoluteTargetsLoseTheirHost) {
  const std::pair<std::string, std::string> cases[] = {
      {"http://a:80/p?q=1", "/p"}, {"http://a", "/"}, {"*", "*"}, {"/http://a", "/http://a"}};
  for (const auto& [target, path] : cases) {
    HttpRequest request;
    EXPECT_TRUE(ParseTarget(target, &request)) << target;
    EXPECT_EQ(request.path, path);
  }
  HttpRequest request;
  EXPECT_FALSE(ParseTarget("example.org:443", &request));
  EXPECT_FALSE(ParseTarget("", &request));
}

TEST(HttpMessageTest, TokensAreFoundInLists) {
  EXPECT_TRUE(HasToken("keep-alive", "keep-alive"));
  EXPECT_TRUE(HasToken("a, \tClose ,b", "close"));
  EXPECT_FALSE(HasToken("closed", "close"));
  EXPECT_FALSE(HasToken("", "close"));
}

TEST(HttpMessageTest, DatesAreImfFixdate) {
  EXPECT_EQ(FormatHttpDate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110, 5.6.7
}

TEST(HttpMessageTest, AnswersAreFramed) {
  std::string out = "before";
  AppendResponse({.status = 404, .body = "{}"}, {.close = true, .date = "D"}, &out);
  EXPECT_EQ(out,
            "beforeHTTP/1.1 404 Not Found\r\nDate: D\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
            "Connection: close\r\n\r\n{}");
}

TEST(HttpMessageTest, StatusesHaveTheirText) {
  EXPECT_EQ(StatusText(429), "Too Many Requests");
  EXPECT_EQ(StatusText(599), "Status");
}

TEST(HttpResponderTest, AnswersOnceAndNeverForgets) {
  std::vector<int> statuses;
  auto send = [&](HttpResponse&& response) { statuses.push_back(response.status); };
  {
    HttpResponder respond(send);
    respond({.status = 201});
    respond({.status = 202});
  }
  {
    HttpResponder forgotten(send);
  }
  {
    HttpResponder moved_from(send);
    HttpResponder moved_to = std::move(moved_from);
    moved_to({.status = 203});
  }
  {
    HttpResponder replaced(send), other(send);
    replaced = std::move(other);
    replaced({.status = 204});
  }
  EXPECT_EQ(statuses, (std::vector<int>{201, 500, 203, 500, 204}));
}

}  // namespace
}  // namespace feedmill::io
