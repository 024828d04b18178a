#include <cstdlib>
#include <filesystem>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>
#include <openssl/ssl.h>

#include "io/http_server_fixture.h"
#include "io/tls_for_test.h"
#include "io/tls_session_internal.h"

namespace feedmill::io {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpTlsTest : public HttpServerTest {
 protected:
  HttpTlsTest() {
    std::filesystem::create_directories(folder_);
    own_ = WriteCertificate(folder_, "own");
    Trust(own_);
  }
  ~HttpTlsTest() override { std::filesystem::remove_all(folder_); }

  static void Trust(const TlsPaths& paths) { ::setenv("SSL_CERT_FILE", paths.certificate.c_str(), 1); }

  void StartTls(HttpServerOptions options = {}, HttpHandler handler = Echo) {
    options.tls = own_;
    options.metrics = &metrics_;
    Start(options, std::move(handler));
    url_.replace(0, 4, "https");
    client_ = MakeHttpClient(url_).value();
  }
  double Refused() { return metrics_.GetCounter("feedmill_http_refused_total", "", {{"reason", "tls"}}).Value(); }

  // A connection that speaks TLS, for what no client would do.
  struct Peer {
    Socket socket;
    TlsSession tls;
    std::string plain;

    void Say(std::string_view text, size_t piece = std::string::npos) {
      std::string wire;
      ASSERT_THAT(tls.Send(text, &wire), IsOk());
      for (size_t at = 0; at < wire.size(); at += std::min(piece, wire.size() - at))
        ASSERT_THAT(socket.SendAll(std::string_view(wire).substr(at, piece), Deadline::After(kPatience)), IsOk());
    }
    bool Hear() {
      std::string received, wire;
      if (!socket.Receive(&received, Deadline::After(kPatience)) || received.empty()) return false;
      const Status taken = tls.Receive(received, &plain, &wire);
      (void)socket.SendAll(wire, Deadline::After(kPatience));
      return taken.has_value() && !tls.peer_has_closed();
    }
    void HearUntil(size_t bytes) {
      while (plain.size() < bytes) ASSERT_TRUE(Hear()) << plain.size();
    }
    void HearAll() {
      while (Hear()) {
      }
    }
  };
  Peer Join() {
    std::string wire;
    Peer peer{Connect(), TlsSession::OfClient(MakeClientTls().value(), "127.0.0.1", &wire).value(), ""};
    EXPECT_THAT(peer.socket.SendAll(wire, Deadline::After(kPatience)), IsOk());
    while (!peer.tls.is_open()) {
      if (!peer.Hear()) break;
    }
    EXPECT_TRUE(peer.tls.is_open());
    return peer;
  }
  std::string WhyNot() {
    const auto reply = Send("GET", "/x");
    return reply ? "it answered" : reply.error().message();
  }

  const std::string folder_ =
      (std::filesystem::temp_directory_path() / ("http_tls_" + std::to_string(::getpid()))).string();
  TlsPaths own_;
};

TEST_F(HttpTlsTest, AnswersAsWithoutIt) {
  StartTls();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Send("POST", "/a?b=c", "text").value().body, "POST /a b=c [text]");
  const std::string large(4 << 20, 'x');
  EXPECT_EQ(Send("POST", "/large", large).value().body, "POST /large [" + large + "]");
  client_ = MakeHttpClient("https://localhost:" + std::to_string(server_->port())).value();
  EXPECT_EQ(Send("GET", "/by-name").value().status, 200);
}

TEST_F(HttpTlsTest, AnswersFromOtherThreads) {
  std::vector<std::thread> threads;
  StartTls({.threads = 2}, [&](HttpRequest&& request, HttpResponder&& respond) {
    threads.emplace_back([path = request.path, respond = std::move(respond)]() mutable {
      respond({.body = path + std::string(100'000, '.')});
    });
  });
  for (int i = 0; i < 5; ++i)
    EXPECT_THAT(Send("GET", "/" + std::to_string(i)).value().body, StartsWith("/" + std::to_string(i) + "."));
  for (std::thread& thread : threads) thread.join();
}

TEST_F(HttpTlsTest, TakesPiecesAndPipelines) {
  StartTls();
  Peer peer = Join();
  std::string many;
  for (int i = 0; i < 40; ++i) many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  peer.Say(many + "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 7);
  peer.HearAll();
  EXPECT_TRUE(peer.tls.peer_has_closed()) << "without the farewell a cut answer looks like a whole one";
  EXPECT_THAT(peer.plain, HasSubstr("GET /39 []"));
  EXPECT_THAT(peer.plain, HasSubstr("GET /last []"));
}

TEST_F(HttpTlsTest, AsksForALargeBodyBeforeItComes) {
  StartTls();
  Peer peer = Join();
  peer.Say("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
  peer.HearUntil(12);
  EXPECT_THAT(peer.plain, StartsWith("HTTP/1.1 100"));
  peer.Say("abc");
  peer.HearAll();
  EXPECT_THAT(peer.plain, HasSubstr("POST /p [abc]"));
}

TEST_F(HttpTlsTest, WhoIsNotBelievedIsNotSpokenTo) {
  StartTls();
  Trust(WriteCertificate(folder_, "other"));
  client_ = MakeHttpClient(url_).value();
  EXPECT_THAT(WhyNot(), HasSubstr("the certificate: self-signed certificate"));
}

TEST_F(HttpTlsTest, ACertificateOfAnotherHostIsRefused) {
  own_ = WriteCertificate(folder_, "far", "DNS:far.example");
  Trust(own_);
  StartTls();
  EXPECT_THAT(WhyNot(), HasSubstr("the certificate: IP address mismatch"));
}

TEST_F(HttpTlsTest, WhoSpeaksPlainlyIsToldSo) {
  StartTls();
  const std::string answer = Raw("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, HasSubstr("this port speaks TLS: https://"));
  EXPECT_EQ(Refused(), 1);
  EXPECT_EQ(Send("GET", "/x").value().status, 200) << "others go on";
}

TEST_F(HttpTlsTest, NoiseEndsTheConnection) {
  StartTls();
  EXPECT_THAT(Raw(std::string("\x16\x03\x01\xff\xff", 5) + std::string(70'000, '\x07')), Not(HasSubstr("HTTP")));
  EXPECT_THAT(Raw(std::string(100, '\0')), Not(HasSubstr("HTTP")));
  Peer peer = Join();
  ASSERT_THAT(peer.socket.SendAll(std::string(200, '\x17'), Deadline::After(kPatience)), IsOk());
  peer.HearAll();
  EXPECT_EQ(Refused(), 2) << "the third was no handshake";
  EXPECT_EQ(Send("GET", "/x").value().status, 200);
}

TEST_F(HttpTlsTest, AnOlderVersionIsRefused) {
  StartTls();
  const TlsContext old(::SSL_CTX_new(::TLS_client_method()), &::SSL_CTX_free);
  ::SSL_CTX_set_max_proto_version(old.get(), TLS1_2_VERSION);
  std::string wire;
  Peer peer{Connect(), TlsSession::OfClient(old, "127.0.0.1", &wire).value(), ""};
  ASSERT_THAT(peer.socket.SendAll(wire, Deadline::After(kPatience)), IsOk());
  peer.HearAll();
  EXPECT_FALSE(peer.tls.is_open());
  EXPECT_EQ(Refused(), 1);
}

TEST_F(HttpTlsTest, AHandshakeHasItsTime) {
  StartTls({.idle_timeout = kMicrosPerHour, .request_timeout = 50 * kMicrosPerMilli});
  EXPECT_EQ(Raw(""), "") << "silence";
  EXPECT_EQ(Raw(std::string("\x16\x03\x01", 3)), "") << "the beginning of one";
}

TEST_F(HttpTlsTest, AfterTheHandshakeAConnectionMayRest) {
  StartTls({.request_timeout = 200 * kMicrosPerMilli});
  Peer peer = Join();
  std::this_thread::sleep_for(std::chrono::milliseconds(600));
  peer.Say("GET /late HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  peer.HearAll();
  EXPECT_THAT(peer.plain, HasSubstr("GET /late []"));
}

TEST_F(HttpTlsTest, WhoDoesNotReadIsCut) {
  const std::string large(32 << 20, 'x');
  StartTls({.send_timeout = 300 * kMicrosPerMilli},
           [&](HttpRequest&&, HttpResponder&& respond) { respond({.body = large}); });
  Peer peer = Join();
  peer.Say("GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  peer.HearAll();
  EXPECT_LT(peer.plain.size(), large.size());
  EXPECT_EQ(metrics_.GetCounter("feedmill_http_cut_total", "", {{"reason", "slow_reader"}}).Value(), 1);
}

TEST_F(HttpTlsTest, MoreThanAllowedAreClosed) {
  StartTls({.connections_max = 1});
  ASSERT_EQ(Send("GET", "/x").value().status, 200);  // stays open
  EXPECT_EQ(Raw(""), "");
}

TEST_F(HttpTlsTest, FilesThatAreReplacedAreUsed) {
  StartTls();
  Peer old = Join();
  const TlsPaths next = WriteCertificate(folder_, "next");
  std::filesystem::rename(next.certificate, own_.certificate);  // of another key: not yet a pair
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_THAT(Send("GET", "/x"), IsOk());
  client_ = MakeHttpClient(url_).value();
  EXPECT_THAT(WhyNot(), HasSubstr("the certificate")) << "the former one, which this client does not know";
  std::filesystem::rename(next.key, own_.key);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  client_ = MakeHttpClient(url_).value();
  EXPECT_EQ(Send("GET", "/x").value().status, 200);
  old.Say("GET /old HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  old.HearAll();
  EXPECT_THAT(old.plain, HasSubstr("GET /old []")) << "what was open stays open";
}

TEST_F(HttpTlsTest, FilesThatCannotBeUsedAreNamedAtTheStart) {
  const TlsPaths other = WriteCertificate(folder_, "other"),
                 secret = WriteCertificate(folder_, "secret", "DNS:localhost", "a passphrase");
  const auto why = [](TlsPaths paths) {
    const auto server = StartHttpServer({.tls = std::move(paths)}, Echo);
    return server ? "it started" : server.error().message();
  };
  EXPECT_THAT(why({own_.certificate, ""}), HasSubstr("http.tls_key: found nothing"));
  EXPECT_THAT(why({"", own_.key}), HasSubstr("http.tls_certificate: found nothing"));
  EXPECT_THAT(why({folder_ + "/none.pem", own_.key}), HasSubstr("http.tls_certificate: " + folder_ + "/none.pem"));
  EXPECT_THAT(why({own_.key, own_.key}), HasSubstr("http.tls_certificate: "));
  EXPECT_THAT(why({own_.certificate, other.key}), HasSubstr("http.tls_key: " + other.key + ": key values mismatch"));
  EXPECT_THAT(why(secret), HasSubstr("it has a passphrase"));
  const TlsPaths rsa = WriteCertificate(folder_, "rsa", "DNS:localhost", "", true);
  EXPECT_THAT(why({rsa.certificate, own_.key}), HasSubstr("http.tls_key: " + own_.key)) << "keys of two types";
  EXPECT_THAT(why({own_.certificate, rsa.key}), HasSubstr("http.tls_key: " + rsa.key));
  EXPECT_EQ(why(rsa), "it started");
  EXPECT_THAT(why({folder_ + "/none.pem", own_.key}), HasSubstr("No such file or directory"));
  EXPECT_THAT(why({own_.certificate, folder_}), HasSubstr("found a directory"));
  ASSERT_EQ(::mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(why({folder_ + "/fifo", own_.key}), HasSubstr("found no regular file"));
}

TEST_F(HttpTlsTest, WhoSaysFarewellGetsItsAnswerAndOneToo) {
  StartTls();
  Peer peer = Join();
  std::string wire;
  ASSERT_THAT(peer.tls.Send("GET /x HTTP/1.1\r\nHost: h\r\n\r\n", &wire), IsOk());
  peer.tls.Close(&wire);
  ASSERT_THAT(peer.socket.SendAll(wire, Deadline::After(kPatience)), IsOk());
  peer.HearAll();
  EXPECT_THAT(peer.plain, HasSubstr("GET /x []"));
  EXPECT_TRUE(peer.tls.peer_has_closed());
}

TEST_F(HttpTlsTest, TheMetricsTellWhenTheCertificateEnds) {
  StartTls();
  EXPECT_THAT(metrics_.PrometheusText(), HasSubstr("feedmill_http_tls_certificate_ends_seconds "));
}

}  // namespace
}  // namespace feedmill::io
