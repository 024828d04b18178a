// How answers from other threads find the way back to their connection.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "io/http_server.h"

namespace feedmill::io {

class HttpConnection;
class HttpWorker;

// Why a connection was ended by us.
enum class HttpCut { kSlowReader, kUnsentBytes, kSlowRequest, kIdle };

struct HttpMetrics {
  explicit HttpMetrics(MetricsRegistry& registry);

  Gauge& connections;
  Gauge& unsent_bytes;  // as the last sweep found them
  Counter& refused_connections;
  Counter& refused_bodies;
  Counter& refused_handshakes;
  std::array<Counter*, 4> cut;  // by HttpCut
};

// What all threads of a server share.
struct HttpServerShared {
  explicit HttpServerShared(const HttpServerOptions& given)
      : options(given), metrics(given.metrics != nullptr ? *given.metrics : own_metrics) {}

  const HttpServerOptions options;
  MetricsRegistry own_metrics;  // when nobody gave one
  HttpMetrics metrics;
  HttpHandler handler;
  std::unique_ptr<TlsFiles> tls;  // null: none
  std::atomic<int> connections = 0;
  std::atomic<int> streams = 0;
  std::atomic<size_t> bodies_bytes = 0;
  std::atomic<bool> stopping = false;
};

// The way back from a responder to its connection; outlives both. `connection` is touched on the worker's thread only.
struct HttpReturnAddress {
  std::shared_ptr<class HttpMailbox> mailbox;
  HttpConnection* connection = nullptr;
};

// What is sent over a stream.
struct HttpPiece {
  std::string bytes;
  bool is_last = false;
};

// Answers from other threads. Many that come together (one group commit) cost the worker one wake-up.
class HttpMailbox {
 public:
  struct Letter {
    std::shared_ptr<HttpReturnAddress> to;
    std::variant<HttpResponse, HttpPiece> what;
  };

  explicit HttpMailbox(HttpWorker* worker) : worker_(worker) {}
  // Any thread. Dropped when the worker is gone.
  void Post(Letter letter);
  // Worker's thread.
  std::vector<Letter> TakeAll();
  // After this nothing reaches the worker.
  void Close();
  bool IsOf(const HttpWorker* worker) const { return worker_ == worker; }

 private:
  HttpWorker* const worker_;
  Mutex mutex_;
  std::vector<Letter> letters_ FEEDMILL_GUARDED_BY(mutex_);
  bool closed_ FEEDMILL_GUARDED_BY(mutex_) = false;
};

}  // namespace feedmill::io
