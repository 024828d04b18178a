#include "io/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/matchers.h"
#include "io/gzip.h"
#include "io/http_client.h"
#include "io/socket_internal.h"

namespace feedmill::io {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const Deadline kSoon = Deadline::After(3600 * kMicrosPerSecond);
constexpr Micros kPatience = 20 * kMicrosPerSecond;

// Answers with what it saw.
void Echo(HttpRequest&& request, HttpResponder&& respond) {
  std::string text = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
  text += " [" + request.body + "]";
  respond({.content_type = "text/plain", .body = text});
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServerOptions options = {}, HttpHandler handler = Echo) {
    auto server = StartHttpServer(options, std::move(handler));
    ASSERT_THAT(server, IsOk());
    server_ = std::move(*server);
    url_ = fmt::format("http://127.0.0.1:{}", server_->port());
    client_ = MakeHttpClient(url_).value();
  }
  Result<HttpReply> Send(std::string_view method, std::string_view target, std::string_view body = "",
                         std::vector<std::pair<std::string, std::string>> headers = {}) {
    return client_->Send(method, target, headers, body, Deadline::After(kPatience));
  }
  Socket Connect() { return Socket::Connect("127.0.0.1", server_->port(), Deadline::After(kPatience)).value(); }
  // Everything the server sends until it closes, or until `enough` stands at the end.
  static std::string ReadAll(Socket& socket, std::string_view enough = "") {
    std::string all, piece;
    do {
      if (!socket.Receive(&piece, Deadline::After(kPatience))) return all + "<cut>";
      all += piece;
    } while (!piece.empty() && (enough.empty() || !all.ends_with(enough)));
    return all;
  }
  std::string Raw(std::string_view bytes, std::string_view enough = "") {
    Socket socket = Connect();
    EXPECT_THAT(socket.SendAll(bytes, Deadline::After(kPatience)), IsOk());
    return ReadAll(socket, enough);
  }

  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_;
  std::string url_;
};

TEST_F(HttpServerTest, HandsOverMethodPathQueryHeadersBodyAndPeer) {
  HttpRequest seen;
  Start({}, [&](HttpRequest&& request, HttpResponder&& respond) {
    seen = std::move(request);
    respond({.status = 201, .headers = {{"X-Id", "7"}}, .body = "{}"});
  });
  auto reply = Send("POST", "/v1/a%20b?x=1&y=a+b%26c&x=2&flag", "body", {{"X-Thing", "Value"}});
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body, "{}");
  EXPECT_EQ(reply->Header("x-id"), "7");
  EXPECT_EQ(reply->Header("content-type"), "application/json");
  EXPECT_THAT(std::string(reply->Header("date")), EndsWith("GMT"));
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/v1/a b");
  EXPECT_EQ(seen.Query("x"), "1");
  EXPECT_EQ(seen.Query("y"), "a b&c");
  EXPECT_EQ(seen.query.size(), 4u);
  EXPECT_EQ(seen.Header("x-thing"), "Value");
  EXPECT_EQ(seen.Header("absent"), "");
  EXPECT_EQ(seen.body, "body");
  EXPECT_EQ(seen.remote_address, "127.0.0.1");
}

TEST_F(HttpServerTest, KeepsTheConnection) {
  std::atomic<int> requests = 0;
  Start({}, [&](HttpRequest&&, HttpResponder&& respond) { respond({.body = std::to_string(++requests)}); });
  Socket socket = Connect();
  for (const char* count : {"1", "2", "3"}) {
    ASSERT_THAT(socket.SendAll("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
    EXPECT_THAT(ReadAll(socket, std::string("\r\n\r\n") + count), HasSubstr("200 OK"));
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  // Every second answer comes late and from another thread.
  std::vector<std::jthread> late;
  Start({}, [&](HttpRequest&& request, HttpResponder&& respond) {
    if (request.path.back() % 2 == 0) return respond({.body = request.path});
    late.emplace_back([path = request.path, kept = std::move(respond)]() mutable {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      kept({.body = path});
    });
  });
  std::string requests, expected;
  for (int i = 0; i < 10; ++i)
    requests += fmt::format("GET /{} HTTP/1.1\r\nHost: a\r\n{}\r\n", i, i == 9 ? "Connection: close\r\n" : "");
  std::string all = Raw(requests);
  size_t at = 0;
  for (int i = 0; i < 10; ++i) {
    at = all.find(fmt::format("\r\n\r\n/{}", i), at);
    ASSERT_NE(at, std::string::npos) << i << " in " << all;
  }
}

TEST_F(HttpServerTest, TakesARequestInAnyPieces) {
  Start();
  std::string request = "POST /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
  for (size_t cut = 1; cut < request.size(); cut += 3) {
    Socket socket = Connect();
    ASSERT_THAT(socket.SendAll(request.substr(0, cut), kSoon), IsOk());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_THAT(socket.SendAll(request.substr(cut), kSoon), IsOk());
    EXPECT_THAT(ReadAll(socket), EndsWith("POST /p [hello]")) << cut;
  }
}

TEST_F(HttpServerTest, TakesChunkedBodies) {
  Start();
  EXPECT_THAT(Raw("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                  "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"),
              EndsWith("POST /c [abcdefg]"));
}

TEST_F(HttpServerTest, HeadSaysTheLengthOnly) {
  Start();
  EXPECT_THAT(Raw("HEAD /h HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
              AllOf(HasSubstr("Content-Length: 10\r\n"), EndsWith("\r\n\r\n")));
  auto reply = Send("HEAD", "/h");
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->body, "");
}

TEST_F(HttpServerTest, NoContentHasNoLength) {
  Start({}, [](HttpRequest&&, HttpResponder&& respond) { respond({.status = 204}); });
  std::string reply = Raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(reply, AllOf(StartsWith("HTTP/1.1 204 No Content\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(reply, ::testing::Not(HasSubstr("Content-")));
}

TEST_F(HttpServerTest, OldClientsAreClosedUnlessTheyAskToStay) {
  Start();
  EXPECT_THAT(Raw("GET /a HTTP/1.0\r\n\r\n"), AllOf(HasSubstr("Connection: close"), EndsWith("[]")));
  EXPECT_THAT(Raw("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "[]"), HasSubstr("Connection: keep-alive"));
}

TEST_F(HttpServerTest, AsksForTheBodyWhenTheClientWaits) {
  Start();
  Socket socket = Connect();
  ASSERT_THAT(socket.SendAll("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", kSoon),
              IsOk());
  EXPECT_EQ(ReadAll(socket, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_THAT(socket.SendAll("hi", kSoon), IsOk());
  EXPECT_THAT(ReadAll(socket, "[hi]"), StartsWith("HTTP/1.1 200 OK"));
}

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

TEST_F(HttpServerTest, UnpacksGzipUnderTheBodyLimit) {
  Start({.body_bytes_max = 10'000});
  auto send = [&](const std::string& body) { return Send("POST", "/g", body, {{"Content-Encoding", "gzip"}}).value(); };
  EXPECT_EQ(send(Gzip("hello")).body, "POST /g [hello]");
  EXPECT_EQ(send(Gzip(std::string(10'000, 'a'))).status, 200);
  EXPECT_EQ(send(Gzip(std::string(10'001, 'a'))).status, 413);
  EXPECT_EQ(send(Gzip(std::string(100 << 20, 'a')).substr(0, 9'000)).status, 413) << "a bomb is not unpacked";
  EXPECT_EQ(send("not gzip").status, 400);
  EXPECT_EQ(Send("POST", "/", "x", {{"Content-Encoding", "br"}})->status, 415);
}

TEST_F(HttpServerTest, GarbageIsABadRequest) {
  Start();
  const std::pair<std::string, std::string> cases[] = {
      {"\x16\x03\x01 hello TLS \r\n\r\n", "400"},
      {"GET\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"},
      {"GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
      {std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30), "400"},
  };
  for (const auto& [bytes, status] : cases) EXPECT_THAT(Raw(bytes), StartsWith("HTTP/1.1 " + status)) << bytes;
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
  Start({.connections_max = 2});
  Socket a = Connect(), b = Connect();
  for (Socket* socket : {&a, &b}) {
    ASSERT_THAT(socket->SendAll("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
    EXPECT_THAT(ReadAll(*socket, "[]"), HasSubstr("200 OK"));
  }
  EXPECT_THAT(Raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("Retry-After: 1")));
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

TEST_F(HttpServerTest, TheClientMayCloseItsSideFirst) {
  Start();
  Socket socket = Connect();
  ASSERT_THAT(socket.SendAll("GET /half HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
  socket.ShutdownSend();
  EXPECT_THAT(ReadAll(socket), EndsWith("GET /half []"));
}

TEST_F(HttpServerTest, CutConnectionsHarmNobody) {
  std::vector<HttpResponder> kept;
  std::mutex mutex;
  Start({.threads = 2}, [&](HttpRequest&& request, HttpResponder&& respond) {
    if (request.path != "/keep") return Echo(std::move(request), std::move(respond));
    std::lock_guard lock(mutex);
    kept.push_back(std::move(respond));
  });
  std::string request = "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  for (size_t cut = 0; cut <= request.size(); ++cut) {
    Socket socket = Connect();
    ASSERT_THAT(socket.SendAll(request.substr(0, cut), kSoon), IsOk());
    if (cut % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    socket.Reset();
  }
  {
    std::lock_guard lock(mutex);
    for (HttpResponder& respond : kept) respond({.body = "too late"});
  }
  EXPECT_EQ(Send("GET", "/after")->body, "GET /after []");
}

TEST_F(HttpServerTest, AnswersMayComeFromAnyThreadMuchLater) {
  std::vector<HttpResponder> kept;
  std::mutex mutex;
  Start({.threads = 2}, [&](HttpRequest&&, HttpResponder&& respond) {
    std::lock_guard lock(mutex);
    kept.push_back(std::move(respond));
  });
  std::vector<std::future<int>> replies;
  for (int i = 0; i < 16; ++i) {
    replies.push_back(std::async(std::launch::async, [&] {
      auto client = MakeHttpClient(url_).value();
      return client->Send("GET", "/", {}, "", Deadline::After(kPatience))->status;
    }));
  }
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::lock_guard lock(mutex);
    if (kept.size() < 16) continue;
    for (HttpResponder& respond : kept) respond({.status = 202});
    break;
  }
  for (auto& reply : replies) EXPECT_EQ(reply.get(), 202);
}

TEST_F(HttpServerTest, AForgottenAnswerIsA500) {
  Start({}, [](HttpRequest&&, HttpResponder&&) {});
  EXPECT_EQ(Send("GET", "/")->status, 500);
}

TEST_F(HttpServerTest, LargeAnswersArriveWholeAtSlowReaders) {
  std::string large(8 << 20, 'x');
  for (size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
  Start({}, [&](HttpRequest&&, HttpResponder&& respond) { respond({.body = large}); });
  Socket socket = Connect();
  std::string two = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  ASSERT_THAT(socket.SendAll(two, kSoon), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::string all = ReadAll(socket);
  EXPECT_TRUE(all.ends_with(large));
  EXPECT_GT(all.size(), 2 * large.size());
}

TEST_F(HttpServerTest, HeadersOfAnAnswerCannotBreakIt) {
  Start({}, [](HttpRequest&&, HttpResponder&& respond) {
    respond({.headers = {{"X-Bad", "a\r\nSet-Cookie: b"}, {"X-Good", "c"}}, .body = "ok"});
  });
  auto reply = Send("GET", "/");
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->Header("set-cookie"), "");
  EXPECT_EQ(reply->Header("x-good"), "c");
}

TEST_F(HttpServerTest, StopLetsRequestsInFlightFinish) {
  std::promise<HttpResponder> asked;
  Start({}, [&](HttpRequest&& request, HttpResponder&& respond) {
    if (request.path != "/slow") return Echo(std::move(request), std::move(respond));
    asked.set_value(std::move(respond));
  });
  auto reply = std::async(std::launch::async, [&] { return Send("GET", "/slow"); });
  HttpResponder respond = asked.get_future().get();
  Socket idle = Connect();
  ASSERT_THAT(idle.SendAll("GET / HTTP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
  EXPECT_THAT(ReadAll(idle, "[]"), HasSubstr("200 OK"));
  auto stopped = std::async(std::launch::async, [&] { server_->Stop(kPatience); });
  EXPECT_EQ(ReadAll(idle), "") << "idle connections are closed at once";
  EXPECT_EQ(stopped.wait_for(std::chrono::milliseconds(30)), std::future_status::timeout);
  respond({.body = "done"});
  EXPECT_EQ(reply.get()->body, "done");
  stopped.get();
  server_->Stop(0);
  EXPECT_THAT(Send("GET", "/"), IsError(ErrorKind::kUnavailable));
}

TEST_F(HttpServerTest, StopGivesUpAfterItsGraceAndLateAnswersGoNowhere) {
  std::promise<HttpResponder> asked;
  Start({}, [&](HttpRequest&&, HttpResponder&& respond) { asked.set_value(std::move(respond)); });
  auto reply = std::async(std::launch::async, [&] { return Send("GET", "/"); });
  HttpResponder respond = asked.get_future().get();
  server_->Stop(10 * kMicrosPerMilli);
  EXPECT_THAT(reply.get(), IsError(ErrorKind::kUnavailable));
  server_.reset();
  respond({.body = "late"});
}

TEST_F(HttpServerTest, ErrorsOfBindingNameAddressAndPort) {
  Start();
  EXPECT_THAT(StartHttpServer({.port = server_->port()}, Echo),
              IsError(ErrorKind::kUnavailable,
                      AllOf(HasSubstr("127.0.0.1"), HasSubstr(std::to_string(server_->port())), HasSubstr("in use"))));
  EXPECT_THAT(StartHttpServer({.address = "nowhere"}, Echo),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("found 'nowhere'")));
  EXPECT_THAT(StartHttpServer({.address = "203.0.113.1"}, Echo), IsError(ErrorKind::kIo, HasSubstr("203.0.113.1")));
}

TEST_F(HttpServerTest, ManyThreadsManyClients) {
  Start({.threads = 3});
  std::vector<std::jthread> clients;
  std::atomic<int> right = 0;
  for (int c = 0; c < 8; ++c) {
    clients.emplace_back([&, c] {
      auto client = MakeHttpClient(url_).value();
      for (int i = 0; i < 200; ++i) {
        std::string path = fmt::format("/{}/{}", c, i);
        auto reply =
            client->Send("POST", path, {}, std::string(static_cast<size_t>(i * 37), 'b'), Deadline::After(kPatience));
        right +=
            reply && reply->body.starts_with("POST " + path + " [") && reply->body.size() > static_cast<size_t>(i * 37);
      }
    });
  }
  clients.clear();
  EXPECT_EQ(right, 1600);
}

}  // namespace
}  // namespace feedmill::io
