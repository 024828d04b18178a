// One connection of the HTTP server. Asio only; parsing is http_parser's, TLS is tls_session's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/http_message_internal.h"
#include "io/http_parser_internal.h"
#include "io/http_worker_internal.h"
#include "io/tls_session_internal.h"

namespace feedmill::io {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(HttpWorker* worker, HttpSocket&& socket);
  ~HttpConnection();

  // All on the worker's thread.
  void Start();
  void Refuse();
  void Answer(HttpResponse&& response);
  void TakePiece(const HttpPiece& piece);
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
    kStreaming,  // the answer goes on; what the peer sends is not looked at
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
  void BeginStream(HttpResponse* response);
  void EndStream();
  void ForgetStream();
  void TakenBySocket(size_t* stream_bytes);
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
  bool PeerHasClosed() const { return tls_.has_value() && tls_->peer_has_closed() && in_begin_ == in_end_; }
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
  std::shared_ptr<HttpStreamState> stream_;           // while kStreaming
  size_t stream_in_out_ = 0, stream_in_sending_ = 0;  // bytes of its pieces
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
