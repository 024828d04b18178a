// The certificate and the key of a server, followed: files that are replaced are read again, for connections that come
// after that.
#pragma once

#include <ctime>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

struct ssl_ctx_st;

namespace feedmill::io {

// PEM files; no certificate: no TLS.
struct TlsPaths {
  std::string certificate;  // first the server's own, then those that vouch for it
  std::string key;          // without a passphrase

  bool any() const { return !certificate.empty() || !key.empty(); }
};

class TlsFiles {
 public:
  static Result<std::unique_ptr<TlsFiles>> Open(const TlsPaths& paths);
  // Any thread. What the files held when they were last good; they are looked at once a second. Files that cannot be
  // used (of one pair only one is new, perhaps) are told in the log, once, and change nothing.
  std::shared_ptr<ssl_ctx_st> Current();
  // When the certificate ends, unix time in seconds; negative when it cannot be told. Any thread.
  double ends_at();

 private:
  explicit TlsFiles(const TlsPaths& paths) : paths_(paths) {}
  Status Load() FEEDMILL_REQUIRES(mutex_);
  void Follow() FEEDMILL_REQUIRES(mutex_);
  std::string Stamp() const;

  const TlsPaths paths_;
  Mutex mutex_;
  std::shared_ptr<ssl_ctx_st> current_ FEEDMILL_GUARDED_BY(mutex_);
  std::string stamp_ FEEDMILL_GUARDED_BY(mutex_);  // of what was last tried
  Micros looked_at_ FEEDMILL_GUARDED_BY(mutex_) = 0;
  double ends_at_ FEEDMILL_GUARDED_BY(mutex_) = -1;
};

}  // namespace feedmill::io
