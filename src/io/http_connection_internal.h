// One connection of the HTTP server, and the thread it lives on. Asio only; parsing is http_parser's.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/clock.h"
#include "io/http_mailbox_internal.h"
#include "io/http_message_internal.h"
#include "io/http_parser_internal.h"
#include "io/http_server.h"
#include "io/tls_session_internal.h"

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

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpWorker* worker, HttpSocket&& socket);
  ~HttpConnection();

  // All on the worker's thread.
  void Start();
  void Refuse();
  void Answer(HttpResponse&& response);
  // Closes or answers 408 when the time of what it waits for is over.
  void CheckTime(Micros now);
  void CloseIfIdle();
  void Close();
  // Ends it with a reset, which frees what the kernel still holds for the peer.
  void Cut(HttpCut reason);
  // What the peer has not taken yet: ours, and the kernel's.
  size_t UnsentBytes();
  Micros progress_at() const { return progress_at_; }

 private:
  enum class Phase {
    kReceiving,  // waits for a request or for the rest of one
    kHandling,   // a handler has the request
    kLingering,  // the last answer is sent; reads what the peer still sends, so that it sees the answer and no reset
    kClosed,
  };

  void Process();
  bool ParseOne();
  void Dispatch();
  void Fail(const HttpParseFailure& failure);
  void Enqueue(const HttpResponse& response);
  void Say(std::string_view text);  // into out_, for the peer to read
  void ContinueIfExpected();
  bool CountBody();
  void UncountBody();
  void Flush();
  void WriteRest(size_t sent);
  void WriteSome();
  void OnWritten(const boost::system::error_code& error, size_t bytes);
  void GoOnLater();
  void CloseIdle();
  void Read();
  void OnRead(const boost::system::error_code& error, size_t bytes);
  bool Decipher(size_t* bytes);  // those behind in_end_, in place; false when there is nothing to go on with
  bool SpeakPlainly();
  void Linger();
  void WaitForRequest();
  bool InHandshake() const { return tls_.has_value() && !tls_->is_open(); }
  bool PartlyReceived() const { return in_begin_ < in_end_ || parser_.HeaderDone() || InHandshake(); }

  HttpWorker* const worker_;
  HttpSocket socket_;
  std::shared_ptr<HttpReturnAddress> address_;
  std::optional<TlsSession> tls_;
  HttpRequestParser parser_;
  std::string remote_address_;
  Phase phase_ = Phase::kReceiving;
  bool in_process_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool close_after_write_ = false;
  bool continue_sent_ = false;
  bool request_started_ = false;  // its first byte is here, its time runs
  Micros read_at_ = 0;            // the last read that brought bytes
  Micros arrived_ = 0;            // the read that brought the first byte of the request that is being received
  ResponseFrame frame_;
  size_t body_counted_ = 0;
  Micros give_up_at_ = 0;
  std::vector<char> in_;  // in_[in_begin_, in_end_) is received and not yet parsed
  size_t in_begin_ = 0, in_end_ = 0;
  std::string out_;      // as it goes over the wire, not yet sent
  std::string sending_;  // what an unfinished write reads from
  size_t sent_ = 0;      // of sending_
  size_t progress_bytes_ = 0;
  Micros progress_at_ = 0;  // when the peer last took kProgressBytes or all
};

}  // namespace feedmill::io
