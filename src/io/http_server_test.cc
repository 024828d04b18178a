#include "io/http_server_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "base/matchers.h"
#include "io/http_client.h"
#include "io/socket_internal.h"

namespace feedmill::io {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", "200"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n\r\n", "415"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
      {std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 30), "400"},
  };
  for (const auto& [bytes, status] : cases) EXPECT_THAT(Raw(bytes), StartsWith("HTTP/1.1 " + status)) << bytes;
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

TEST_F(HttpServerTest, ARequestKnowsWhenItsFirstByteCame) {
  Micros arrived = 0, handled = 0;
  Start({}, [&](HttpRequest&& request, HttpResponder&& respond) {
    arrived = request.arrived;
    handled = MonotonicMicros();
    respond({.body = "x"});
  });
  Socket socket = Connect();
  for (int i = 0; i < 2; ++i) {
    Micros before = MonotonicMicros();
    ASSERT_THAT(socket.SendAll("GET / HT", kSoon), IsOk());
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    ASSERT_THAT(socket.SendAll("TP/1.1\r\nHost: a\r\n\r\n", kSoon), IsOk());
    EXPECT_THAT(ReadAll(socket, "x"), HasSubstr("200 OK"));
    EXPECT_GE(arrived, before);
    EXPECT_GE(handled - arrived, 40 * kMicrosPerMilli);
  }
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
