#include "io/tls_files.h"

#include <sys/stat.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "io/tls_session_internal.h"

namespace feedmill::io {
namespace {

double EndOf(ssl_ctx_st* context) {
  const X509* const certificate = ::SSL_CTX_get0_certificate(context);
  std::tm utc{};
  if (certificate == nullptr || ::ASN1_TIME_to_tm(::X509_get0_notAfter(certificate), &utc) != 1) return -1;
  return static_cast<double>(::timegm(&utc));
}

std::string StampOf(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return "none";
  return fmt::format("{} {} {} {}", found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
}

}  // namespace

std::string TlsFiles::Stamp() const { return StampOf(paths_.certificate) + ", " + StampOf(paths_.key); }

Status TlsFiles::Load() {
  stamp_ = Stamp();  // before they are read: what changes meanwhile is read again
  looked_at_ = MonotonicMicros();
  FEEDMILL_ASSIGN(current_, MakeServerTls(paths_.certificate, paths_.key));
  ends_at_ = EndOf(current_.get());
  if (ends_at_ < static_cast<double>(std::time(nullptr)))
    log::Warn("the certificate has expired: nobody believes it", {{"certificate", paths_.certificate}});
  return Ok();
}

Result<std::unique_ptr<TlsFiles>> TlsFiles::Open(const TlsPaths& paths) {
  if (paths.certificate.empty() || paths.key.empty()) {
    return InvalidArgument("http.{}: found nothing; allowed: both http.tls_certificate and http.tls_key, or neither",
                           paths.certificate.empty() ? "tls_certificate" : "tls_key");
  }
  std::unique_ptr<TlsFiles> files(new TlsFiles(paths));
  const MutexLock lock(files->mutex_);
  FEEDMILL_TRY(files->Load());
  return files;
}

void TlsFiles::Follow() {
  if (MonotonicMicros() < looked_at_ + kMicrosPerSecond) return;
  looked_at_ = MonotonicMicros();
  if (Stamp() == stamp_) return;
  if (const Status loaded = Load(); !loaded)
    return log::Warn("the certificate stays as it was", {{"why", loaded.error().message()}});
  log::Info("a new certificate is in use", {{"certificate", paths_.certificate}});
}

std::shared_ptr<ssl_ctx_st> TlsFiles::Current() {
  const MutexLock lock(mutex_);
  Follow();
  return current_;
}

double TlsFiles::ends_at() {
  const MutexLock lock(mutex_);
  Follow();
  return ends_at_;
}

}  // namespace feedmill::io
