#include <filesystem>
#include <thread>

#include <unistd.h>

#include "base/mutex.h"
#include "io/http_server_fixture.h"
#include "io/tls_for_test.h"

namespace feedmill::io {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class HttpStreamTest : public HttpServerTest {
 protected:
  ~HttpStreamTest() override {
    server_.reset();  // before what its handlers use
  }

  // Every GET of /stream gets a stream, which the test takes.
  void StartStreams(HttpServerOptions options = {}) {
    options.metrics = &metrics_;
    Start(options, [this](HttpRequest&& request, HttpResponder&& respond) {
      if (request.path != "/stream") return Echo(std::move(request), std::move(respond));
      HttpResponse response;
      response.content_type = "text/event-stream";
      response.headers = {{"Cache-Control", "no-store"}};
      response.on_stream = [this](HttpStream&& stream) {
        const MutexLock lock(mutex_);
        streams_.push_back(std::move(stream));
        came_.NotifyAll();
      };
      respond(std::move(response));
    });
  }
  HttpStream Take() {
    const MutexLock lock(mutex_);
    came_.Wait(mutex_, [this]() FEEDMILL_REQUIRES(mutex_) { return !streams_.empty(); });
    HttpStream stream = std::move(streams_.back());
    streams_.pop_back();
    return stream;
  }
  static bool Within(const std::function<bool()>& holds) {
    for (const Micros begin = MonotonicMicros(); MonotonicMicros() - begin < kPatience;) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }
  Socket Ask(const std::string& request = "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n") {
    Socket socket = Connect();
    EXPECT_THAT(socket.SendAll(request, Deadline::After(kPatience)), IsOk());
    return socket;
  }

  Mutex mutex_;
  CondVar came_;
  std::vector<HttpStream> streams_ FEEDMILL_GUARDED_BY(mutex_);
};

TEST_F(HttpStreamTest, PiecesComeInOrderAndThenTheEnd) {
  StartStreams();
  std::thread writer([&] {
    HttpStream stream = Take();
    for (int i = 0; i < 1000; ++i) {
      while (!stream.Send(std::to_string(i) + "\n")) std::this_thread::yield();
    }
  });
  const auto reply = Send("GET", "/stream");
  writer.join();
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->Header("content-type"), "text/event-stream");
  EXPECT_EQ(reply->Header("cache-control"), "no-store");
  std::string wanted;
  for (int i = 0; i < 1000; ++i) wanted += std::to_string(i) + "\n";
  EXPECT_EQ(reply->body, wanted);
}

TEST_F(HttpStreamTest, APieceComesWhenItIsSent) {
  StartStreams();
  Socket socket = Ask();
  HttpStream stream = Take();
  EXPECT_TRUE(stream.Send("first"));
  EXPECT_THAT(ReadAll(socket, "5\r\nfirst\r\n"), StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(stream.Send(""));
  EXPECT_TRUE(stream.Send("second"));
  EXPECT_EQ(ReadAll(socket, "second\r\n"), "6\r\nsecond\r\n");
}

TEST_F(HttpStreamTest, WhoDoesNotReadHoldsABoundedMemory) {
  StartStreams({.send_timeout = kMicrosPerHour, .send_buffer_bytes = 16 << 10, .stream_unsent_bytes_max = 32 << 10});
  Socket socket = Ask();
  HttpStream stream = Take();
  const std::string piece(1000, 'x');
  size_t taken = 0;
  for (int refused = 0; refused < 50;) {
    if (stream.Send(piece)) {
      ++taken;
      continue;
    }
    ++refused;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_LT(taken, 10'000u) << "the kernel's buffers and ours";
  EXPECT_TRUE(stream.is_open());
  // And who begins to read gets all that was taken, and what comes then.
  std::string last;
  std::thread reader([&] { last = ReadAll(socket, "the last\r\n0\r\n\r\n"); });
  EXPECT_TRUE(Within([&] { return stream.Send("the last"); }));
  {
    const HttpStream ended = std::move(stream);
  }
  reader.join();
  size_t pieces = 0;
  for (size_t at = last.find(piece); at != std::string::npos; at = last.find(piece, at + piece.size())) ++pieces;
  EXPECT_EQ(pieces, taken);
}

TEST_F(HttpStreamTest, AReaderWhoStaysAwayIsCut) {
  StartStreams({.send_timeout = 200 * kMicrosPerMilli, .send_buffer_bytes = 16 << 10});
  Socket socket = Ask();
  HttpStream stream = Take();
  const std::string piece(10'000, 'x');
  EXPECT_TRUE(Within([&] { return !stream.Send(piece) && !stream.is_open(); }));
}

TEST_F(HttpStreamTest, AReaderWhoLeavesIsKnownToBeGone) {
  StartStreams();
  auto socket = std::make_unique<Socket>(Ask());
  HttpStream stream = Take();
  EXPECT_TRUE(stream.Send("here"));
  socket.reset();
  EXPECT_TRUE(Within([&] { return !stream.is_open(); }));
  EXPECT_FALSE(stream.Send("there"));
  EXPECT_TRUE(Within([&] { return metrics_.GetGauge("feedmill_http_connections", "").Value() == 0; }));
}

TEST_F(HttpStreamTest, OthersAreServedMeanwhileAndNoRequestFollows) {
  StartStreams();
  Socket socket = Ask("GET /stream HTTP/1.1\r\nHost: h\r\n\r\nGET /after HTTP/1.1\r\nHost: h\r\n\r\n");
  HttpStream stream = Take();
  EXPECT_EQ(Send("GET", "/x").value().body, "GET /x []");
  {
    const HttpStream ended = std::move(stream);
  }
  EXPECT_THAT(ReadAll(socket), Not(HasSubstr("GET /after")));
}

TEST_F(HttpStreamTest, OldClientsReadUntilTheEnd) {
  StartStreams();
  Socket socket = Ask("GET /stream HTTP/1.0\r\n\r\n");
  {
    HttpStream stream = Take();
    EXPECT_TRUE(stream.Send("as it is"));
  }
  const std::string answer = ReadAll(socket);
  EXPECT_THAT(answer, Not(HasSubstr("chunked")));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nas it is")) << answer;
}

TEST_F(HttpStreamTest, HeadHasNoStream) {
  StartStreams();
  EXPECT_EQ(Send("HEAD", "/stream").value().status, 200);
  const MutexLock lock(mutex_);
  EXPECT_TRUE(streams_.empty());
}

TEST_F(HttpStreamTest, MoreThanAllowedAreRefused) {
  StartStreams({.streams_max = 1});
  Socket first = Ask();
  auto stream = std::make_unique<HttpStream>(Take());
  const auto second = Send("GET", "/stream");
  EXPECT_EQ(second.value().status, 503);
  EXPECT_EQ(second.value().Header("retry-after"), "1");
  stream.reset();
  EXPECT_TRUE(ReadAll(first).ends_with("0\r\n\r\n"));
  Socket third = Ask();
  EXPECT_TRUE(Take().Send("there is room again"));
}

TEST_F(HttpStreamTest, StoppingEndsThem) {
  StartStreams();
  Socket socket = Ask();
  HttpStream stream = Take();
  EXPECT_TRUE(stream.Send("one"));
  EXPECT_THAT(ReadAll(socket, "one\r\n"), HasSubstr("3\r\none"));
  std::string rest;
  std::thread reader([&] { rest = ReadAll(socket); });
  server_->Stop(5 * kMicrosPerSecond);
  reader.join();
  EXPECT_EQ(rest, "0\r\n\r\n") << "an end, and no cut";
  EXPECT_FALSE(stream.Send("two"));
}

TEST_F(HttpStreamTest, GoesOverTlsAsWell) {
  const std::string folder = testing::TempDir() + "http_stream_" + std::to_string(::getpid());
  std::filesystem::create_directories(folder);
  const TlsPaths tls = WriteCertificate(folder, "own");
  ::setenv("SSL_CERT_FILE", tls.certificate.c_str(), 1);
  StartStreams({.tls = tls});
  client_ = MakeHttpClient("https://127.0.0.1:" + std::to_string(server_->port())).value();
  std::thread writer([&] {
    HttpStream stream = Take();
    for (int i = 0; i < 200; ++i) {
      while (!stream.Send(std::string(3000, static_cast<char>('a' + i % 26)))) std::this_thread::yield();
    }
  });
  const auto reply = Send("GET", "/stream");
  writer.join();
  std::filesystem::remove_all(folder);
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->body.size(), 600'000u);
  EXPECT_EQ(reply->body.back(), static_cast<char>('a' + 199 % 26));
}

}  // namespace
}  // namespace feedmill::io
