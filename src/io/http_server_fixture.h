// A server on a free port, a client, and sockets for what no client would send.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/matchers.h"
#include "io/http_client.h"
#include "io/http_server.h"
#include "io/socket_internal.h"

namespace feedmill::io {

inline const Deadline kSoon = Deadline::After(3600 * kMicrosPerSecond);
inline constexpr Micros kPatience = 20 * kMicrosPerSecond;

// Answers with what it saw.
inline void Echo(HttpRequest&& request, HttpResponder&& respond) {
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

  MetricsRegistry metrics_;  // outlives the server
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_;
  std::string url_;
};

}  // namespace feedmill::io
