// HTTP/1.1 keep-alive server with limits (Boost.Beast inside; no Beast in this header).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "io/http_stream.h"
#include "io/tls_files.h"

namespace feedmill::io {

struct HttpRequest {
  std::string method;                                        // "GET", "POST", ...
  std::string path;                                          // percent-decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string remote_address;  // peer's IP as text
  bool secure = false;         // it came over TLS
  Micros arrived = 0;          // monotonic, when its first byte was read; 0 = it did not come over a socket

  // The first value, or an empty view when there is none.
  std::string_view Header(std::string_view lower_case_name) const;
  std::string_view Query(std::string_view name) const;
  // What stands behind `scheme` in the Authorization header ("basic", whatever the letters' case); empty when it is of
  // another scheme or absent.
  std::string_view Credentials(std::string_view scheme) const;
};

// The first parameter of the query that stands in it more than once; "" when each stands once. `lists` may repeat.
std::string_view RepeatedParameter(const HttpRequest& request, std::initializer_list<std::string_view> lists = {});

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  // Instead of a body: called with the stream once the header is on its way, on a server thread; must not block.
  std::function<void(HttpStream&&)> on_stream = nullptr;
};

// Answers one request exactly once, from any thread; may be kept until the answer is known (group commit).
// Destroyed without an answer it sends 500.
class HttpResponder {
 public:
  using Send = std::function<void(HttpResponse&&)>;
  explicit HttpResponder(Send send) : send_(std::move(send)) {}
  HttpResponder(HttpResponder&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  HttpResponder& operator=(HttpResponder&& other) noexcept;
  ~HttpResponder();
  void operator()(HttpResponse&& response);

 private:
  Send send_;
};

// Called on a server thread; must not block long. Hand slow work to a pool of your own and keep the responder. Requests
// of one connection come one after another: the next is read when this one is answered. A gzip body comes as it was
// sent: UnpackBody opens it once the handler knows who asks. A HEAD request is answered as GET, the server leaves the
// body out.
using HttpHandler = std::function<void(HttpRequest&&, HttpResponder&&)>;

// Unpacks a gzip body in place and takes its Content-Encoding header away; other bodies stay as they are.
// kInvalidArgument: not gzip; kResourceExhausted: more than `bytes_max` come out, of which no more was unpacked.
Status UnpackBody(HttpRequest* request, size_t bytes_max);

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0 = any free port, see HttpServer::port()
  int threads = 1;
  size_t header_bytes_max = 16 * 1024;
  size_t body_bytes_max = 5 * 1024 * 1024;      // larger: 413 and close
  int connections_max = 4096;                   // more: 503 with Retry-After and close
  size_t bodies_bytes_max = 512 * 1024 * 1024;  // of all requests being received; more: 503 with Retry-After and close
  Micros idle_timeout = 60 * kMicrosPerSecond;
  Micros request_timeout = 10 * kMicrosPerSecond;
  // A peer that does not take 64 KiB of its answers (or what is left of them) within this time is cut.
  Micros send_timeout = 10 * kMicrosPerSecond;
  // Of one connection wait to be read by its peer: this much in the kernel (0 = as the system likes), and one answer;
  // its next request waits until that has gone.
  size_t send_buffer_bytes = 256 * 1024;
  size_t unsent_bytes_max = 256 * 1024 * 1024;  // of all connections; beyond it the slowest readers are cut
  int streams_max = 1024;                       // answers that go on; more: 503 with Retry-After
  size_t stream_unsent_bytes_max = 64 * 1024;   // of one stream, beside what the kernel holds
  // With a certificate: TLS 1.3, and no other word. A handshake must be over within request_timeout; a connection over
  // connections_max is closed without a word.
  TlsPaths tls = {};
  MetricsRegistry* metrics = nullptr;  // may be null; outlives the server
  // May add headers to an answer that the server gives before there is a request for the handler (408, 413, 415, 431,
  // 503, ...): `request` is what was read of its header, which may be nothing, without a body. A server thread. Not
  // asked about connections over connections_max, of which nothing is read.
  std::function<void(const HttpRequest& request, HttpResponse* response)> on_refusal = nullptr;
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  // Stops accepting, lets requests in flight finish until `grace` ends, then closes. Idempotent. Never from a handler:
  // it waits for the server's threads. Responders may outlive the server; what they answer then goes nowhere.
  virtual void Stop(Micros grace) = 0;
};

// Connections over connections_max that may wait for their 503 at the same time; more are just closed. A descriptor
// each.
constexpr int HttpRefusedMax(int connections_max) { return std::clamp(connections_max / 16, 1, 256); }

// Whether only this machine reaches what listens on `address`.
bool IsLoopback(std::string_view address);

// Binds at once: a port in use or an address that cannot be bound is an error naming both, as is a certificate that
// cannot be used.
Result<std::unique_ptr<HttpServer>> StartHttpServer(const HttpServerOptions& options, HttpHandler handler);

}  // namespace feedmill::io
