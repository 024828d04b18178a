// The client against a peer that misbehaves. What it does with a good one stands in http_server_test.cc.
#include "io/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "base/matchers.h"

namespace feedmill::io {
namespace {

using ::testing::HasSubstr;

constexpr Micros kPatience = 20 * kMicrosPerSecond;

// Listens, and plays one script a connection: reads until a request's end stands there, sends the text, closes.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(std::vector<std::vector<std::string>> connections) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(listener_, 8);
    socklen_t length = sizeof(address);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = fmt::format("http://127.0.0.1:{}", ntohs(address.sin_port));
    thread_ = std::jthread([this, connections] {
      for (const auto& replies : connections) Play(replies);
    });
  }
  ~ScriptedPeer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const std::string& url() const { return url_; }

 private:
  void Play(const std::vector<std::string>& replies) {
    int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) return;
    for (const std::string& reply : replies) {
      std::string seen;
      char buffer[4096];
      while (seen.find("\r\n\r\n") == std::string::npos) {
        ssize_t got = ::recv(connection, buffer, sizeof(buffer), 0);
        if (got <= 0) break;
        seen.append(buffer, static_cast<size_t>(got));
      }
      ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    }
    ::shutdown(connection, SHUT_WR);
    ::close(connection);
  }
  int listener_;
  std::string url_;
  std::jthread thread_;
};

Result<HttpReply> Get(HttpClient& client, Micros patience = kPatience) {
  return client.Send("GET", "/", {}, "", Deadline::After(patience));
}

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(HttpClientTest, ReconnectsWhenTheKeptConnectionWasClosed) {
  ScriptedPeer peer({{kOk}, {kOk}});
  auto client = MakeHttpClient(peer.url()).value();
  EXPECT_EQ(Get(*client)->body, "ok");
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(Get(*client)->body, "ok");
}

TEST(HttpClientTest, ACutReplyIsNotSentAgain) {
  ScriptedPeer peer({{kOk, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"}, {kOk}});
  auto client = MakeHttpClient(peer.url()).value();
  EXPECT_THAT(Get(*client), IsOk());
  EXPECT_THAT(Get(*client), IsError(ErrorKind::kUnavailable, HasSubstr("before its reply was whole")));
  EXPECT_EQ(Get(*client)->body, "ok") << "the next one starts anew";
}

TEST(HttpClientTest, InterimRepliesAreSkipped) {
  ScriptedPeer peer({{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" + kOk}});
  EXPECT_EQ(Get(*MakeHttpClient(peer.url()).value())->status, 200);
}

TEST(HttpClientTest, GarbageIsUnavailable) {
  ScriptedPeer peer({{"SSH-2.0-OpenSSH\r\n\r\n"}});
  EXPECT_THAT(Get(*MakeHttpClient(peer.url()).value()), IsError(ErrorKind::kUnavailable, HasSubstr(peer.url())));
}

TEST(HttpClientTest, ASilentPeerMeetsTheDeadline) {
  std::vector<std::string> half = {"HTTP/1.1 200 OK\r\nContent-Le", "never"};
  ScriptedPeer peer({half});
  auto client = MakeHttpClient(peer.url()).value();
  EXPECT_THAT(Get(*client, 50 * kMicrosPerMilli), IsError(ErrorKind::kDeadlineExceeded));
  client.reset();
}

TEST(HttpClientTest, NobodyListeningIsUnavailable) {
  std::string url;
  {
    url = ScriptedPeer(std::vector<std::vector<std::string>>{}).url();
  }
  EXPECT_THAT(Get(*MakeHttpClient(url).value()), IsError(ErrorKind::kUnavailable, HasSubstr("refused")));
  EXPECT_THAT(Get(*MakeHttpClient("http://no-such-host.invalid").value()), IsError(ErrorKind::kUnavailable));
}

TEST(HttpClientTest, UrlsAreChecked) {
  for (const char* url : {"http://a", "http://a:1", "http://127.0.0.1:65535/", "http://[::1]:80", "http://[::1]"}) {
    EXPECT_THAT(MakeHttpClient(url), IsOk()) << url;
  }
  for (const char* url :
       {"", "a:1", "http://", "http://a:0", "http://a:65536", "http://a:x", "http://a/path", "http://u@a"}) {
    EXPECT_THAT(MakeHttpClient(url), IsError(ErrorKind::kInvalidArgument, HasSubstr("allowed http://host"))) << url;
  }
}

TEST(HttpClientTest, RequestsThatWouldBreakTheMessageAreRefused) {
  auto client = MakeHttpClient("http://127.0.0.1:1").value();
  Deadline soon = Deadline::After(kMicrosPerSecond);
  EXPECT_THAT(client->Send("GET", "no-slash", {}, "", soon), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(client->Send("GET", "/a b", {}, "", soon), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(client->Send("GET", "/", {{"X", "a\r\nY: b"}}, "", soon), IsError(ErrorKind::kInvalidArgument));
}

}  // namespace
}  // namespace feedmill::io
