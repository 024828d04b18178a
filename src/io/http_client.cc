#include "io/http_client.h"

#include <charconv>
#include <optional>

#include "io/http_parser_internal.h"
#include "io/socket_internal.h"
#include "io/tls_session_internal.h"

namespace feedmill::io {
namespace {

constexpr size_t kReplyHeaderBytesMax = 256 * 1024;
constexpr size_t kReplyBodyBytesMax = 1024 * 1024 * 1024;
constexpr uint16_t kPlainPort = 80, kTlsPort = 443;

using Headers = std::vector<std::pair<std::string, std::string>>;

bool IsPrintable(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

// A socket, and what is spoken over it.
class Channel {
 public:
  // `tls` null: plain.
  static Result<Channel> Connect(const std::string& host, uint16_t port, const TlsContext& tls, Deadline deadline) {
    FEEDMILL_ASSIGN(Socket socket, Socket::Connect(host, port, deadline));
    Channel channel(std::move(socket));
    if (tls != nullptr) FEEDMILL_TRY(channel.AgreeOnKeys(host, tls, deadline));
    return channel;
  }

  Status SendAll(std::string_view bytes, Deadline deadline) {
    if (!tls_) return socket_.SendAll(bytes, deadline);
    std::string wire;
    FEEDMILL_TRY(tls_->Send(bytes, &wire));
    return socket_.SendAll(wire, deadline);
  }

  // Replaces `out` by what is there, at least one byte; empty = the peer closed.
  Status Receive(std::string* out, Deadline deadline) {
    if (!tls_) return socket_.Receive(out, deadline);
    out->swap(early_);
    early_.clear();
    while (out->empty() && !tls_->peer_has_closed()) {
      FEEDMILL_ASSIGN(const bool more, ReceiveSome(out, deadline));
      if (!more) break;
    }
    return Ok();
  }

 private:
  explicit Channel(Socket&& socket) : socket_(std::move(socket)) {}

  Status AgreeOnKeys(const std::string& host, const TlsContext& context, Deadline deadline) {
    std::string wire;
    FEEDMILL_ASSIGN(tls_, TlsSession::OfClient(context, host, &wire));
    FEEDMILL_TRY(socket_.SendAll(wire, deadline));
    while (!tls_->is_open()) {
      FEEDMILL_ASSIGN(const bool more, ReceiveSome(&early_, deadline));
      if (!more) return Unavailable("TLS, handshake: the peer closed the connection");
    }
    return Ok();
  }

  // False at the end of what the peer sends.
  Result<bool> ReceiveSome(std::string* plain, Deadline deadline) {
    std::string received, wire;
    FEEDMILL_TRY(socket_.Receive(&received, deadline));
    if (received.empty()) return false;
    const Status taken = tls_->Receive(received, plain, &wire);
    const Status answered = socket_.SendAll(wire, deadline);
    if (!taken) return std::unexpected(taken.error());
    if (!answered) return std::unexpected(answered.error());
    return true;
  }

  Socket socket_;
  std::optional<TlsSession> tls_;
  std::string early_;  // came with the end of the handshake
};

class Client final : public HttpClient {
 public:
  Client(std::string host, uint16_t port, std::string authority, TlsContext tls)
      : host_(std::move(host)), port_(port), authority_(std::move(authority)), tls_(std::move(tls)) {}

  Result<HttpReply> Send(std::string_view method, std::string_view target, const Headers& headers,
                         std::string_view body, Deadline deadline) override {
    FEEDMILL_ASSIGN(std::string message, Format(method, target, headers, body));
    bool kept = socket_.has_value();
    bool reply_began = false;
    Result<HttpReply> reply = Exchange(message, method == "HEAD", deadline, &reply_began);
    bool closed_meanwhile = !reply && kept && !reply_began && reply.error().kind() == ErrorKind::kUnavailable;
    if (closed_meanwhile) reply = Exchange(message, method == "HEAD", deadline, &reply_began);
    if (!reply)
      return std::unexpected(reply.error().WithContext(
          fmt::format("{} {}://{}{}", method, tls_ == nullptr ? "http" : "https", authority_, target)));
    return reply;
  }

 private:
  Result<std::string> Format(std::string_view method, std::string_view target, const Headers& headers,
                             std::string_view body) const {
    bool sane = !method.empty() && target.starts_with('/') && IsPrintable(method) && IsPrintable(target) &&
                target.find(' ') == std::string_view::npos;
    if (!sane) return InvalidArgument("request: found '{} {}', allowed a method and an encoded path", method, target);
    std::string out = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", method, target, authority_);
    for (const auto& [name, value] : headers) {
      if (!IsPrintable(name) || !IsPrintable(value))
        return InvalidArgument("request header {}: control characters", name);
      out.append(name).append(": ").append(value).append("\r\n");
    }
    bool with_length = !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
    if (with_length) out += fmt::format("Content-Length: {}\r\n", body.size());
    out.append("\r\n").append(body);
    return out;
  }

  Result<HttpReply> Exchange(std::string_view message, bool head, Deadline deadline, bool* reply_began) {
    if (!socket_) {
      FEEDMILL_ASSIGN(socket_, Channel::Connect(host_, port_, tls_, deadline));
    }
    // Until the reply stands whole the connection is not one to keep.
    Channel socket = std::move(*socket_);
    socket_.reset();
    // A server may refuse before it has read everything; its answer is worth more than the broken pipe.
    Status sent = socket.SendAll(message, deadline);
    if (!sent && sent.error().kind() != ErrorKind::kUnavailable) return std::unexpected(sent.error());
    std::string received;
    for (;;) {
      HttpReplyParser parser({kReplyHeaderBytesMax, kReplyBodyBytesMax}, head);
      FEEDMILL_TRY(ReceiveOne(&socket, &parser, &received, deadline, reply_began));
      bool keep = parser.KeepAlive() && sent.has_value();
      HttpReply reply = parser.TakeReply();
      if (reply.status >= 100 && reply.status < 200) continue;
      if (keep && received.empty()) socket_ = std::move(socket);
      return reply;
    }
  }

  // `received` holds what came after the message before, and then what comes after this one.
  static Status ReceiveOne(Channel* socket, HttpReplyParser* parser, std::string* received, Deadline deadline,
                           bool* reply_began) {
    for (;;) {
      received->erase(0, parser->Feed(*received));
      if (parser->failure().status != 0) return Unavailable("the peer's reply: {}", parser->failure().message);
      if (parser->Complete()) return Ok();
      std::string piece;
      FEEDMILL_TRY(socket->Receive(&piece, deadline));
      if (piece.empty()) {
        parser->FeedEnd();
        if (parser->Complete()) return Ok();
        return Unavailable("the peer closed the connection before its reply was whole");
      }
      *reply_began = true;
      received->append(piece);
    }
  }

  const std::string host_;
  const uint16_t port_;
  const std::string authority_;
  const TlsContext tls_;
  std::optional<Channel> socket_;
};

}  // namespace

Result<std::unique_ptr<HttpClient>> MakeHttpClient(std::string_view url) {
  constexpr std::string_view kPlain = "http://", kTls = "https://";
  auto refused = [&] {
    return InvalidArgument("url: found '{}', allowed http://host, https://host, with a port or without", url);
  };
  const bool with_tls = url.starts_with(kTls);
  if (!with_tls && !url.starts_with(kPlain)) return refused();
  std::string_view authority = url.substr(with_tls ? kTls.size() : kPlain.size());
  if (authority.ends_with('/')) authority.remove_suffix(1);
  std::string_view host = authority;
  uint16_t port = with_tls ? kTlsPort : kPlainPort;
  size_t colon = authority.rfind(':');
  bool inside_brackets = colon != std::string_view::npos && authority.find(']', colon) != std::string_view::npos;
  if (colon != std::string_view::npos && !inside_brackets) {
    std::string_view digits = authority.substr(colon + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port == 0) return refused();
    host = authority.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  bool plain = !host.empty() && host.find_first_of("/?#@ ") == std::string_view::npos && IsPrintable(host);
  if (!plain) return refused();
  TlsContext tls;
  if (with_tls) {
    FEEDMILL_ASSIGN(tls, MakeClientTls());
  }
  return std::make_unique<Client>(std::string(host), port, std::string(authority), std::move(tls));
}

}  // namespace feedmill::io
