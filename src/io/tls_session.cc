#include "io/tls_session_internal.h"

#include <cerrno>
#include <cstring>
#include <new>

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace feedmill::io {
namespace {

constexpr size_t kPieceBytes = 16 * 1024;  // the largest record's

constexpr off_t kPemBytesMax = 4 << 20;

// The oldest error of this thread in OpenSSL's words; the others are forgotten.
std::string TakeFault() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("error {:x}", code);
}

// Without it OpenSSL asks the terminal.
int NoPassphrase(char*, int, int, void* was_asked) {
  if (was_asked != nullptr) *static_cast<bool*>(was_asked) = true;
  return 0;
}

// Opening what is no file may last for ever.
Status CheckPemFile(std::string_view setting, const std::string& path) {
  struct stat found{};
  const auto bad = [&](std::string_view what) {
    return InvalidArgument("{}: {}: {}; allowed: a PEM file that this process can read", setting, path, what);
  };
  if (::stat(path.c_str(), &found) != 0 || ::access(path.c_str(), R_OK) != 0) return bad(std::strerror(errno));
  if (S_ISDIR(found.st_mode)) return bad("found a directory");
  if (!S_ISREG(found.st_mode)) return bad("found no regular file");
  if (found.st_size > kPemBytesMax)
    return bad(fmt::format("found {} bytes, more than {}", found.st_size, kPemBytesMax));
  return Ok();
}

Result<TlsContext> MakeContext(const SSL_METHOD* method) {
  ::ERR_clear_error();
  TlsContext context(::SSL_CTX_new(method), &::SSL_CTX_free);
  if (context == nullptr || ::SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1)
    return Internal("TLS: {}", TakeFault());
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_default_passwd_cb(context.get(), &NoPassphrase);
  return context;
}

}  // namespace

Result<TlsContext> MakeServerTls(const std::string& certificate, const std::string& key) {
  FEEDMILL_TRY(CheckPemFile("http.tls_certificate", certificate));
  FEEDMILL_TRY(CheckPemFile("http.tls_key", key));
  FEEDMILL_ASSIGN(TlsContext context, MakeContext(::TLS_server_method()));
  if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1) {
    return InvalidArgument("http.tls_certificate: {}: {}; allowed: a PEM file with the certificate first", certificate,
                           TakeFault());
  }
  bool has_passphrase = false;
  ::SSL_CTX_set_default_passwd_cb_userdata(context.get(), &has_passphrase);
  const bool loaded = ::SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
  ::SSL_CTX_set_default_passwd_cb_userdata(context.get(), nullptr);
  // A key of another type than the certificate's is loaded beside it.
  if (!loaded || ::SSL_CTX_check_private_key(context.get()) != 1) {
    const std::string fault = TakeFault();
    return InvalidArgument(
        "http.tls_key: {}: {}; allowed: a PEM file with the private key of the first certificate in {}, without a "
        "passphrase",
        key, has_passphrase ? "it has a passphrase" : fault, certificate);
  }
  return context;
}

Result<TlsContext> MakeClientTls() {
  FEEDMILL_ASSIGN(TlsContext context, MakeContext(::TLS_client_method()));
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (::SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return Unavailable("TLS: the system's authorities: {}", TakeFault());
  return context;
}

void TlsSession::Free::operator()(ssl_st* session) const { ::SSL_free(session); }
TlsSession::~TlsSession() = default;

Result<TlsSession> TlsSession::Make(const TlsContext& context) {
  std::unique_ptr<ssl_st, Free> session(::SSL_new(context.get()));
  BIO* const in = ::BIO_new(::BIO_s_mem());
  BIO* const out = ::BIO_new(::BIO_s_mem());
  if (session == nullptr || in == nullptr || out == nullptr) {
    ::BIO_free(in);
    ::BIO_free(out);
    return ResourceExhausted("TLS: there is no memory for a session");
  }
  ::SSL_set_bio(session.get(), in, out);  // owns both
  return TlsSession(std::move(session));
}

TlsSession TlsSession::OfServer(const TlsContext& context) {
  auto made = Make(context);
  if (!made) throw std::bad_alloc();
  ::SSL_set_accept_state(made->session_.get());
  return std::move(*made);
}

Result<TlsSession> TlsSession::OfClient(const TlsContext& context, const std::string& host, std::string* wire) {
  FEEDMILL_ASSIGN(TlsSession made, Make(context));
  ssl_st* const session = made.session_.get();
  unsigned char address[sizeof(in6_addr)];
  const bool is_address =
      ::inet_pton(AF_INET, host.c_str(), address) == 1 || ::inet_pton(AF_INET6, host.c_str(), address) == 1;
  const bool set = is_address ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session), host.c_str()) == 1
                              : ::SSL_set1_host(session, host.c_str()) == 1 &&
                                    ::SSL_set_tlsext_host_name(session, host.c_str()) == 1;
  if (!set) return InvalidArgument("TLS: found '{}', allowed the name or the address of a machine", host);
  ::SSL_set_connect_state(session);
  std::string nothing;
  FEEDMILL_TRY(made.Receive("", &nothing, wire));
  return made;
}

Status TlsSession::Receive(std::string_view from_wire, std::string* plain, std::string* wire) {
  ::ERR_clear_error();
  ssl_st* const session = session_.get();
  if (!from_wire.empty() && ::BIO_write(::SSL_get_rbio(session), from_wire.data(),
                                        static_cast<int>(from_wire.size())) != static_cast<int>(from_wire.size()))
    return ResourceExhausted("TLS: there is no memory for what was received");
  if (!is_open_) {
    const int done = ::SSL_do_handshake(session);
    TakeOutput(wire);
    if (done != 1) return ::SSL_get_error(session, done) == SSL_ERROR_WANT_READ ? Ok() : Fault("handshake");
    is_open_ = true;
  }
  for (;;) {
    const size_t had = plain->size();
    size_t got = 0;
    plain->resize(had + kPieceBytes);
    const int read = ::SSL_read_ex(session, plain->data() + had, kPieceBytes, &got);
    plain->resize(had + got);
    if (read == 1) continue;
    const int why = ::SSL_get_error(session, read);
    TakeOutput(wire);
    if (why == SSL_ERROR_WANT_READ) return Ok();
    peer_closed_ = why == SSL_ERROR_ZERO_RETURN;
    return peer_closed_ ? Ok() : Fault("receiving");
  }
}

Status TlsSession::Send(std::string_view plain, std::string* wire) {
  if (!is_open_) return Internal("TLS: nothing can be sent before the handshake is over");
  ::ERR_clear_error();
  size_t sent = 0;
  const bool whole = plain.empty() || ::SSL_write_ex(session_.get(), plain.data(), plain.size(), &sent) == 1;
  TakeOutput(wire);
  return whole ? Ok() : Fault("sending");
}

void TlsSession::Close(std::string* wire) {
  ::ERR_clear_error();
  if (is_open_) (void)::SSL_shutdown(session_.get());
  TakeOutput(wire);
}

void TlsSession::TakeOutput(std::string* wire) {
  BIO* const out = ::SSL_get_wbio(session_.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  if (size > 0) wire->append(bytes, static_cast<size_t>(size));
  (void)BIO_reset(out);
}

// A certificate that is not believed is told with the reason.
Status TlsSession::Fault(std::string_view doing) const {
  const long verified = ::SSL_get_verify_result(session_.get());
  const std::string fault = TakeFault();
  if (verified == X509_V_OK) return Unavailable("TLS, {}: {}", doing, fault);
  return PermissionDenied(
      "TLS, {}: the certificate: {}; believed are the authorities of the system, or of the file that SSL_CERT_FILE "
      "names",
      doing, ::X509_verify_cert_error_string(verified));
}

}  // namespace feedmill::io
