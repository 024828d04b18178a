// TLS 1.3 (RFC 8446, by OpenSSL) over bytes that somebody else carries: no socket, no waiting. One thread a session;
// contexts are shared by any.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace feedmill::io {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// Of a server, from PEM files: the certificate with those that vouch for it, and its key. Errors name the file and what
// is wrong with it.
Result<TlsContext> MakeServerTls(const std::string& certificate, const std::string& key);
// Of a client that believes the authorities of the system (or of SSL_CERT_FILE and SSL_CERT_DIR).
Result<TlsContext> MakeClientTls();

class TlsSession {
 public:
  static TlsSession OfServer(const TlsContext& context);
  // `host` is the name or address that the peer's certificate must be of. What has to be sent first is in `*wire`.
  static Result<TlsSession> OfClient(const TlsContext& context, const std::string& host, std::string* wire);
  TlsSession(TlsSession&& other) noexcept = default;
  TlsSession& operator=(TlsSession&& other) noexcept = default;
  ~TlsSession();

  // Takes what came over the wire; appends what the peer says to `*plain`, and to `*wire` what has to be sent. After an
  // error the session is over; an alert that tells the peer may stand in `*wire`.
  Status Receive(std::string_view from_wire, std::string* plain, std::string* wire);
  // Once it is open.
  Status Send(std::string_view plain, std::string* wire);
  // Tells the peer that nothing more will be sent.
  void Close(std::string* wire);
  bool is_open() const { return is_open_; }              // both sides have agreed on keys
  bool peer_has_closed() const { return peer_closed_; }  // it sends nothing more

 private:
  struct Free {
    void operator()(ssl_st* session) const;
  };
  explicit TlsSession(std::unique_ptr<ssl_st, Free> session) : session_(std::move(session)) {}
  static Result<TlsSession> Make(const TlsContext& context);
  void TakeOutput(std::string* wire);
  Status Fault(std::string_view doing) const;

  std::unique_ptr<ssl_st, Free> session_;
  bool is_open_ = false;
  bool peer_closed_ = false;
};

}  // namespace feedmill::io
