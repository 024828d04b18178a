// A thread of the HTTP server and the connections that live on it. Asio only.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/clock.h"
#include "io/http_mailbox_internal.h"

namespace feedmill::io {

using Tcp = boost::asio::ip::tcp;
// The concrete executor: the type-erased default costs an allocation an operation.
using HttpSocket = boost::asio::basic_stream_socket<Tcp, boost::asio::io_context::executor_type>;

// A thread with its own event loop and connections.
class HttpWorker {
 public:
  explicit HttpWorker(std::shared_ptr<HttpServerShared> shared);
  ~HttpWorker();

  void Start();
  // Any thread: takes over an accepted socket that was made on this worker's context and is counted in `connections`.
  // `refused` connections get a 503.
  void Adopt(HttpSocket&& socket, bool refused);
  // Any thread: closes connections that wait for a request.
  void CloseIdle();
  // Closes everything and joins.
  void Stop();

  boost::asio::io_context& context() { return context_; }
  HttpServerShared& shared() { return *shared_; }
  const std::shared_ptr<HttpMailbox>& mailbox() { return mailbox_; }
  // Worker's thread only.
  // A closed connection is freed in a later turn of the loop, never under the feet of its own functions.
  void Bury(HttpConnection* connection);
  // Counts what its connections could not send at once; over this worker's share the slowest readers are cut.
  void AddUnsent(size_t bytes);
  void TakeUnsent(size_t bytes) { unsent_bytes_ -= std::min(bytes, unsent_bytes_); }
  const std::string& Date();
  void DeliverMail();
  // The worker whose thread this is, or nullptr.
  static HttpWorker* Current();

 private:
  void Run();
  template <typename Function>
  void ForEach(Function function);
  void ScheduleSweep();
  void Sweep();
  size_t UnsentShare() const;
  void CutSlowest();

  std::shared_ptr<HttpServerShared> shared_;
  boost::asio::io_context context_{1};
  boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      sweep_timer_{context_};
  std::shared_ptr<HttpMailbox> mailbox_ = std::make_shared<HttpMailbox>(this);
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  std::vector<std::shared_ptr<HttpConnection>> buried_;
  size_t unsent_bytes_ = 0;  // waiting in our memory; after a sweep, of a moment ago, the kernel's too
  double shown_unsent_ = 0;  // what of the gauge is this worker's
  int64_t date_second_ = 0;
  std::string date_;
  std::thread thread_;
};

}  // namespace feedmill::io
