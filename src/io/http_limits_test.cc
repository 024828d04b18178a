// Limits of the HTTP server: each is exact, has its answer, and costs nobody else.
#include <atomic>
#include <future>
#include <thread>

#include "io/gzip.h"
#include "io/http_server_fixture.h"

namespace feedmill::io {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST_F(HttpServerTest, RefusesABodyOverTheLimitBeforeItIsSent) {
  Start({.body_bytes_max = 1000});
  EXPECT_THAT(Raw("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("more than 1000 bytes"), HasSubstr("Connection: close")));
  auto reply = Send("POST", "/", std::string(1000, 'x'));
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->status, 200) << "exactly the limit is allowed";
}

TEST_F(HttpServerTest, AClientThatSendsTooMuchStillSeesTheAnswer) {
  Start({.body_bytes_max = 1000});
  auto reply = Send("POST", "/", std::string(10 << 20, 'x'));
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->status, 413);
  EXPECT_EQ(Send("GET", "/")->status, 200);
}

// Browsers show a page only those answers that say so, refusals too.
TEST_F(HttpServerTest, RefusalsBeforeTheHandlerKnowWhoAsked) {
  HttpServerOptions options{.body_bytes_max = 1000, .request_timeout = 100 * kMicrosPerMilli};
  options.on_refusal = [](const HttpRequest& request, HttpResponse* response) {
    response->headers.emplace_back(
        "Told", request.path + " " + std::string(request.Header("origin")) + " " + std::to_string(request.body.size()));
  };
  Start(options);
  const std::string head = "POST /v1/batch?a=b HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n";
  const std::string told = "Told: /v1/batch https://app.example 0\r\n";
  EXPECT_THAT(Raw(head + "Content-Length: 1001\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr(told)));
  EXPECT_THAT(Raw(head + "Content-Encoding: br\r\nContent-Length: 1\r\n\r\nx"),
              AllOf(StartsWith("HTTP/1.1 415 "), HasSubstr(told)));
  EXPECT_THAT(Raw(head + "Content-Length: 9\r\n\r\nslow"), AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr(told)));
  EXPECT_THAT(Raw("no HTTP at all\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 505 "), HasSubstr("Told: ")));
}

TEST_F(HttpServerTest, RefusesAChunkedBodyOverTheLimit) {
  Start({.body_bytes_max = 10});
  EXPECT_THAT(Raw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, RefusesAHeaderOverTheLimit) {
  Start({.header_bytes_max = 1000});
  std::string filler(2000, 'x');
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nHost: a\r\nX: " + filler + "\r\n\r\n"), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Raw("GET /" + filler), StartsWith("HTTP/1.1 431 ")) << "before its end came";
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: " + std::string(900, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, AGzipBodyIsUnpackedWhenTheHandlerWantsIt) {
  Start({.body_bytes_max = 10'000}, [](HttpRequest&& request, HttpResponder&& respond) {
    if (request.path == "/closed") return respond({.status = 401, .body = std::to_string(request.body.size())});
    Status unpacked = UnpackBody(&request, 10'000);
    if (unpacked) return Echo(std::move(request), std::move(respond));
    respond({.status = unpacked.error().kind() == ErrorKind::kResourceExhausted ? 413 : 400});
  });
  std::string packed = Gzip(std::string(10'000, 'a'));
  EXPECT_EQ(Send("POST", "/closed", packed, {{"Content-Encoding", "gzip"}})->body, std::to_string(packed.size()));
  for (const char* name : {"GZIP", "x-gzip", "Gzip"})
    EXPECT_EQ(Send("POST", "/g", Gzip("hello"), {{"content-encoding", name}})->body, "POST /g [hello]") << name;
  EXPECT_EQ(Send("POST", "/i", "plain", {{"Content-Encoding", "IDENTITY"}})->body, "POST /i [plain]");
  auto send = [&](const std::string& body) { return Send("POST", "/g", body, {{"Content-Encoding", "gzip"}}).value(); };
  EXPECT_EQ(send(Gzip("hello")).body, "POST /g [hello]");
  EXPECT_EQ(send(Gzip(std::string(10'000, 'a'))).status, 200);
  EXPECT_EQ(send(Gzip(std::string(10'001, 'a'))).status, 413);
  EXPECT_EQ(send(Gzip(std::string(100 << 20, 'a')).substr(0, 9'000)).status, 413) << "a bomb is not unpacked";
  EXPECT_EQ(send("not gzip").status, 400);
  EXPECT_EQ(Send("POST", "/", "x", {{"Content-Encoding", "br"}})->status, 415);
}

TEST_F(HttpServerTest, ASlowRequestIsAnswered408) {
  Start({.request_timeout = 50 * kMicrosPerMilli});
  Socket socket = Connect();
  std::string all;
  ASSERT_THAT(socket.SendAll("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", kSoon), IsOk());
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (!socket.SendAll("x", kSoon)) break;
  }
  EXPECT_THAT(ReadAll(socket), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, ASlowHeaderIsAnswered408) {
  Start({.request_timeout = 50 * kMicrosPerMilli});
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nHos"), StartsWith("HTTP/1.1 408 "));
}

TEST_F(HttpServerTest, ASilentConnectionIsClosedWithoutAWord) {
  Start({.idle_timeout = 50 * kMicrosPerMilli});
  EXPECT_EQ(Raw(""), "");
  EXPECT_EQ(Send("GET", "/a")->status, 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(150));
  EXPECT_EQ(Send("GET", "/b")->status, 200) << "the client reconnects";
}

TEST_F(HttpServerTest, MoreConnectionsThanAllowedGet503) {
  Start({.connections_max = 2, .metrics = &metrics_});
  Socket a = Connect(), b = Connect();
  for (Socket* socket : {&a, &b}) {
    ASSERT_THAT(socket->SendAll("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
    EXPECT_THAT(ReadAll(*socket, "[]"), HasSubstr("200 OK"));
  }
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1")));
  EXPECT_GE(metrics_.GetCounter("feedmill_http_refused_total", "", {{"reason", "connections"}}).Value(), 1u);
  a.Reset();
  for (int i = 0; i < 200; ++i) {
    if (Raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200")) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  FAIL() << "the place of the closed connection is not given again";
}

TEST_F(HttpServerTest, BodiesOfAllConnectionsHaveALimit) {
  Start({.bodies_bytes_max = 1 << 20});
  std::string large = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" + std::string(1'500'000, 'x');
  EXPECT_THAT(Raw(large), StartsWith("HTTP/1.1 503 "));
  EXPECT_EQ(Send("POST", "/", std::string(500'000, 'x'))->status, 200) << "what was counted is given back";
}

TEST_F(HttpServerTest, AConnectionThatPipelinesGivesWayToOthers) {
  // One thread; each answer of the greedy one takes a while. The other's request is answered among the greedy one's.
  std::atomic<int> greedy = 0, greedy_before_other = -1;
  std::promise<void> begun;
  Start({}, [&](HttpRequest&& request, HttpResponder&& respond) {
    if (request.path == "/other") {
      greedy_before_other = greedy.load();
    } else {
      if (greedy++ == 0) begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    respond({.body = "x"});
  });
  std::string requests;
  for (int i = 0; i < 400; ++i) requests += "GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n";
  Socket other = Connect(), socket = Connect();
  ASSERT_THAT(socket.SendAll(requests, kSoon), IsOk());
  begun.get_future().wait();
  ASSERT_THAT(other.SendAll("GET /other HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
  EXPECT_THAT(ReadAll(other, "x"), HasSubstr("200 OK"));
  EXPECT_LT(greedy_before_other, 200) << "a few turns of the greedy connection may pass, not its whole pipeline";
  server_.reset();  // it still answers the greedy one, with what stands here
}

TEST_F(HttpServerTest, AReaderThatDoesNotReadIsCutAndCounted) {
  std::string large(8 << 20, 'x');
  Start({.send_timeout = 100 * kMicrosPerMilli, .metrics = &metrics_},
        [&](HttpRequest&&, HttpResponder&& respond) { respond({.body = large}); });
  Socket socket = Connect();
  ASSERT_THAT(socket.SendAll("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
  Counter& cut = metrics_.GetCounter("feedmill_http_cut_total", "", {{"reason", "slow_reader"}});
  for (int i = 0; i < 2000 && cut.Value() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(cut.Value(), 1u);
  EXPECT_LT(ReadAll(socket).size(), large.size());
}

TEST_F(HttpServerTest, AReaderThatGoesOnReadingIsNotCut) {
  std::string large(2 << 20, 'x');
  Start({.send_timeout = 300 * kMicrosPerMilli, .send_buffer_bytes = 16 << 10},
        [&](HttpRequest&&, HttpResponder&& respond) { respond({.body = large}); });
  Socket socket = Connect();
  ASSERT_THAT(socket.SendAll("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", kSoon), IsOk());
  std::string all, piece;
  do {  // more than 64 KiB in each 300 ms, and longer than 300 ms in all
    std::this_thread::sleep_for(std::chrono::milliseconds(15));
    ASSERT_THAT(socket.Receive(&piece, Deadline::After(kPatience)), IsOk());
    all += piece;
  } while (!piece.empty());
  EXPECT_TRUE(all.ends_with(large));
}

TEST_F(HttpServerTest, UnsentAnswersOfAllConnectionsHaveALimit) {
  std::string large(4 << 20, 'x');
  Start({.unsent_bytes_max = 10 << 20, .metrics = &metrics_},
        [&](HttpRequest&&, HttpResponder&& respond) { respond({.body = large}); });
  std::vector<Socket> sockets;
  for (int i = 0; i < 8; ++i) {
    sockets.push_back(Connect());
    ASSERT_THAT(sockets.back().SendAll("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  Counter& cut = metrics_.GetCounter("feedmill_http_cut_total", "", {{"reason", "unsent_bytes"}});
  for (int i = 0; i < 2000 && cut.Value() < 6; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(cut.Value(), 6u) << "two answers fit";
  EXPECT_THAT(ReadAll(sockets.front()), EndsWith("<cut>")) << "who has waited longest goes first";
  EXPECT_GT(ReadAll(sockets.back(), std::string(100, 'x')).size(), 0u);
  EXPECT_THAT(Send("GET", "/")->body, large) << "who reads is served";
}

}  // namespace
}  // namespace feedmill::io
