#include "io/http_parser_internal.h"

#include <gtest/gtest.h>

namespace feedmill::io {
namespace {

// Feeds in pieces as a connection does: what is not taken stays in front of the next piece.
HttpRequest Parse(std::string_view bytes, size_t piece, HttpRequestParser* parser) {
  std::string kept;
  while (!bytes.empty() && !parser->Complete() && parser->failure().status == 0) {
    kept.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    kept.erase(0, parser->Feed(kept));
  }
  return parser->Complete() ? parser->TakeRequest() : HttpRequest{};
}

constexpr std::string_view kRequest =
    "POST /v1/batch?a=b HTTP/1.1\r\nHost: x\r\nX-Mixed-CASE:  spaced \r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: y\r\n\r\n";

TEST(HttpParserTest, PiecesOfAnySizeGiveTheSameRequest) {
  for (size_t piece = 1; piece <= kRequest.size(); ++piece) {
    HttpRequestParser parser({});
    HttpRequest request = Parse(kRequest, piece, &parser);
    ASSERT_EQ(parser.failure().message, "") << piece;
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/v1/batch");
    EXPECT_EQ(request.Header("x-mixed-case"), "spaced");
    EXPECT_EQ(request.body, "hello world") << piece;
  }
}

TEST(HttpParserTest, TakesNoByteOfTheNextMessage) {
  HttpRequestParser parser({});
  std::string two = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  size_t first = parser.Feed(two);
  EXPECT_EQ(first, two.size() / 2);
  EXPECT_EQ(parser.TakeRequest().path, "/1");
  parser.Reset();
  EXPECT_EQ(parser.Feed(std::string_view(two).substr(first)), two.size() / 2);
  EXPECT_EQ(parser.TakeRequest().path, "/2");
}

TEST(HttpParserTest, LimitsAreExact) {
  std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n";
  for (size_t allowed : {9u, 10u}) {
    HttpRequestParser parser({.header_bytes_max = 1000, .body_bytes_max = allowed});
    Parse(head + "0123456789", 7, &parser);
    EXPECT_EQ(parser.failure().status, allowed == 9 ? 413 : 0);
  }
}

TEST(HttpParserTest, RepliesOfEachFraming) {
  HttpReplyParser by_length({}, false);
  by_length.Feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(by_length.Complete());
  EXPECT_TRUE(by_length.KeepAlive());
  EXPECT_EQ(by_length.TakeReply().body, "ok");
  HttpReplyParser by_end({}, false);
  by_end.Feed("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  EXPECT_FALSE(by_end.Complete());
  by_end.FeedEnd();
  ASSERT_TRUE(by_end.Complete());
  EXPECT_EQ(by_end.TakeReply().body, "until the end");
  HttpReplyParser head({}, true);
  head.Feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(head.Complete());
}

TEST(HttpParserTest, ACutReplyIsAFailure) {
  for (std::string_view bytes :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}) {
    HttpReplyParser parser({}, false);
    parser.Feed(bytes);
    parser.FeedEnd();
    EXPECT_FALSE(parser.Complete()) << bytes;
    EXPECT_NE(parser.failure().status, 0) << bytes;
  }
}

}  // namespace
}  // namespace feedmill::io
