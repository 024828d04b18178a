#include <cstring>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/post.hpp>

#include "base/text_encoding.h"
#include "io/http_connection_internal.h"

namespace feedmill::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kReadBytes = 8 * 1024;
constexpr size_t kBodyReadBytes = 32 * 1024;
// Bodies smaller than this are not counted against bodies_bytes_max.
constexpr size_t kSmallBody = 64 * 1024;
constexpr size_t kKeptOutBytes = 64 * 1024;
// Answers to pipelined requests gathered before they are sent.
constexpr size_t kFlushBytes = 64 * 1024;
// A connection that pipelines gives way to the others after this much.
constexpr int kRequestsATurn = 16;
constexpr size_t kBytesATurn = 64 * 1024;
// What a reader must take within send_timeout.
constexpr size_t kProgressBytes = 64 * 1024;
constexpr Micros kLingerTime = kMicrosPerSecond;
constexpr Micros kNever = INT64_MAX;

HttpResponse ErrorResponse(int status, std::string_view message) {
  HttpResponse response{.status = status, .body = "{\"error\":"};
  AppendJsonString(message, &response.body);
  response.body += "}";
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

HttpConnection::HttpConnection(HttpWorker* worker, HttpSocket&& socket)
    : worker_(worker),
      socket_(std::move(socket)),
      address_(std::make_shared<HttpReturnAddress>(worker->mailbox(), this)),
      parser_({worker->shared().options.header_bytes_max, worker->shared().options.body_bytes_max}) {
  error_code error;
  socket_.set_option(Tcp::no_delay(true), error);
  socket_.non_blocking(true, error);
  auto peer = socket_.remote_endpoint(error);
  if (!error) remote_address_ = peer.address().to_string();
  if (worker->shared().tls != nullptr) tls_ = TlsSession::OfServer(worker->shared().tls->Current());
}

HttpConnection::~HttpConnection() { address_->connection = nullptr; }

void HttpConnection::Start() {
  WaitForRequest();
  Process();
}

void HttpConnection::Refuse() {
  if (tls_) return Close();
  frame_.close = true;
  Enqueue(ErrorResponse(503, "too many connections; try again later"));
  Process();
}

void HttpConnection::WaitForRequest() {
  phase_ = Phase::kReceiving;
  request_started_ = false;
  give_up_at_ = MonotonicMicros() + worker_->shared().options.idle_timeout;
}

// Takes requests from what was received as long as each is answered at once; then sends, then reads.
void HttpConnection::Process() {
  if (in_process_) return;
  in_process_ = true;
  int requests = 0;
  size_t bytes = 0;
  while (phase_ == Phase::kReceiving && !writing_ && !close_after_write_ && requests < kRequestsATurn &&
         bytes < kBytesATurn && ParseOne()) {
    size_t before = out_.size();
    Dispatch();
    ++requests;
    bytes += out_.size() - before;
    if (out_.size() > kFlushBytes) Flush();
  }
  Flush();
  in_process_ = false;
  bool wants_more = phase_ == Phase::kReceiving && !close_after_write_ && !writing_;
  if (!wants_more) return;
  bool turn_is_over = requests == kRequestsATurn || bytes >= kBytesATurn;
  if (turn_is_over && in_begin_ < in_end_) return GoOnLater();
  if (PartlyReceived() && !request_started_) {
    request_started_ = true;
    give_up_at_ = MonotonicMicros() + worker_->shared().options.request_timeout;
  }
  Read();
}

// The other connections of the thread come first.
void HttpConnection::GoOnLater() {
  asio::post(worker_->context(), [self = shared_from_this()] { self->Process(); });
}

// True when a whole request stands in the parser.
bool HttpConnection::ParseOne() {
  while (in_begin_ < in_end_) {
    size_t taken = parser_.Feed({in_.data() + in_begin_, in_end_ - in_begin_});
    in_begin_ += taken;
    if (parser_.failure().status != 0) {
      Fail(parser_.failure());
      return false;
    }
    if (parser_.Complete()) return true;
    if (!CountBody()) {
      worker_->shared().metrics.refused_bodies.Add();
      Fail({503, "too many request bodies are being received; try again later"});
      return false;
    }
    if (taken == 0) break;
  }
  if (parser_.HeaderDone()) ContinueIfExpected();
  return false;
}

void HttpConnection::Dispatch() {
  bool stopping = worker_->shared().stopping.load(std::memory_order_relaxed);
  frame_ = {.head = parser_.IsHead(),
            .close = !parser_.KeepAlive() || stopping || PeerHasClosed(),
            .keep_alive_1_0 = parser_.Http10()};
  HttpRequest request = parser_.TakeRequest();
  UncountBody();
  if (parser_.failure().status != 0) return Fail(parser_.failure());
  parser_.Reset();
  continue_sent_ = false;
  request.remote_address = remote_address_;
  request.secure = tls_.has_value();
  request.arrived = std::exchange(arrived_, read_at_);
  phase_ = Phase::kHandling;
  give_up_at_ = kNever;
  worker_->shared().handler(std::move(request), HttpResponder([address = address_](HttpResponse&& response) mutable {
                              if (address->mailbox->IsOf(HttpWorker::Current())) {
                                if (address->connection != nullptr) address->connection->Answer(std::move(response));
                              } else {
                                HttpMailbox& mailbox = *address->mailbox;
                                mailbox.Post({std::move(address), std::move(response)});
                              }
                            }));
}

void HttpConnection::Answer(HttpResponse&& response) {
  if (phase_ != Phase::kHandling) return;
  frame_.close |= worker_->shared().stopping.load(std::memory_order_relaxed);
  if (response.on_stream && !frame_.head) return BeginStream(&response);
  Enqueue(response);
  WaitForRequest();
  Process();
}

void HttpConnection::BeginStream(HttpResponse* response) {
  HttpServerShared& shared = worker_->shared();
  if (shared.streams.fetch_add(1, std::memory_order_relaxed) >= shared.options.streams_max) {
    shared.streams.fetch_sub(1, std::memory_order_relaxed);
    Enqueue(ErrorResponse(503, "too many answers go on; try again later"));
    WaitForRequest();
    return Process();
  }
  stream_ = std::make_shared<HttpStreamState>();
  stream_->unsent_max = shared.options.stream_unsent_bytes_max;
  phase_ = Phase::kStreaming;
  frame_.close = true;
  frame_.date = worker_->Date();
  std::string text;
  AppendStreamHead(*response, frame_, &text);
  Say(text);
  Flush();
  if (phase_ == Phase::kClosed) return;
  Read();
  response->on_stream(HttpStream(address_, stream_));
}

void HttpConnection::TakePiece(const HttpPiece& piece) {
  if (phase_ != Phase::kStreaming) return;
  if (piece.is_last) return EndStream();
  if (piece.bytes.empty()) return;
  const bool chunked = !frame_.keep_alive_1_0;  // an HTTP/1.0 client reads until the end
  Say(chunked ? fmt::format("{:x}\r\n{}\r\n", piece.bytes.size(), piece.bytes) : piece.bytes);
  stream_in_out_ += piece.bytes.size();
  Flush();
}

void HttpConnection::EndStream() {
  if (!frame_.keep_alive_1_0) Say("0\r\n\r\n");
  if (tls_) tls_->Close(&out_);
  close_after_write_ = true;
  ForgetStream();
  WaitForRequest();
  Flush();
}

void HttpConnection::ForgetStream() {
  if (stream_ == nullptr) return;
  stream_->open = false;
  stream_.reset();
  worker_->shared().streams.fetch_sub(1, std::memory_order_relaxed);
}

void HttpConnection::TakenBySocket(size_t* stream_bytes) {
  const size_t taken = std::exchange(*stream_bytes, 0);
  if (stream_ != nullptr) stream_->unsent.fetch_sub(taken, std::memory_order_relaxed);
}

void HttpConnection::Fail(const HttpParseFailure& failure) {
  frame_ = {.close = true};
  UncountBody();
  HttpResponse response = ErrorResponse(failure.status, failure.message);
  const auto& on_refusal = worker_->shared().options.on_refusal;
  if (on_refusal) on_refusal(parser_.TakeRefused(), &response);
  Enqueue(response);
}

void HttpConnection::Enqueue(const HttpResponse& response) {
  frame_.date = worker_->Date();
  close_after_write_ |= frame_.close;
  if (!tls_) return AppendResponse(response, frame_, &out_);
  std::string text;
  AppendResponse(response, frame_, &text);
  Say(text);
  if (close_after_write_) tls_->Close(&out_);
}

void HttpConnection::Say(std::string_view text) {
  if (!tls_) {
    out_ += text;
  } else if (const Status sent = tls_->Send(text, &out_); !sent) {
    close_after_write_ = true;  // the peer finds the answer cut
  }
}

void HttpConnection::ContinueIfExpected() {
  if (continue_sent_ || !parser_.ExpectsContinue()) return;
  continue_sent_ = true;
  Say("HTTP/1.1 100 Continue\r\n\r\n");
}

// Keeps the sum of large bodies of all connections; false when it is over the limit.
bool HttpConnection::CountBody() {
  size_t size = parser_.HeaderDone() ? parser_.BodyBytes() : 0;
  if (size < kSmallBody || size == body_counted_) return true;
  HttpServerShared& shared = worker_->shared();
  size_t all = shared.bodies_bytes.fetch_add(size - body_counted_, std::memory_order_relaxed) + size - body_counted_;
  body_counted_ = size;
  return all <= shared.options.bodies_bytes_max;
}

void HttpConnection::UncountBody() {
  worker_->shared().bodies_bytes.fetch_sub(std::exchange(body_counted_, 0), std::memory_order_relaxed);
}

// Sends at once what the socket takes; the rest waits for it.
void HttpConnection::Flush() {
  if (writing_ || phase_ == Phase::kClosed) return;
  size_t sent = 0;
  if (!out_.empty()) {
    error_code error;
    sent = socket_.send(asio::buffer(out_), 0, error);
    if (error && error != asio::error::would_block) return Close();
    progress_at_ = MonotonicMicros();
  }
  if (sent < out_.size()) return WriteRest(sent);
  TakenBySocket(&stream_in_out_);
  out_.clear();
  if (out_.capacity() > kKeptOutBytes) out_.shrink_to_fit();
  if (close_after_write_ && phase_ == Phase::kReceiving) Linger();
}

void HttpConnection::WriteRest(size_t sent) {
  writing_ = true;
  sending_ = std::exchange(out_, {});
  stream_in_sending_ = std::exchange(stream_in_out_, 0);
  sent_ = sent;
  progress_bytes_ = 0;
  WriteSome();
  worker_->AddUnsent(sending_.size() - sent_);  // last: it may close this connection
}

void HttpConnection::WriteSome() {
  socket_.async_write_some(
      asio::buffer(sending_) + sent_,
      [self = shared_from_this()](const error_code& error, size_t bytes) { self->OnWritten(error, bytes); });
}

void HttpConnection::OnWritten(const error_code& error, size_t bytes) {
  if (phase_ == Phase::kClosed) return;
  if (error) return Close();
  sent_ += bytes;
  progress_bytes_ += bytes;
  worker_->TakeUnsent(bytes);
  bool whole = sent_ == sending_.size();
  if (whole || progress_bytes_ >= kProgressBytes) {
    progress_bytes_ = 0;
    progress_at_ = MonotonicMicros();
  }
  if (!whole) return WriteSome();
  writing_ = false;
  TakenBySocket(&stream_in_sending_);
  sending_ = {};
  sent_ = 0;
  if (phase_ == Phase::kReceiving) WaitForRequest();
  Process();
}

size_t HttpConnection::UnsentBytes() {
  if (phase_ == Phase::kClosed) return 0;
  int in_kernel = 0;
  if (::ioctl(socket_.native_handle(), SIOCOUTQ, &in_kernel) != 0) in_kernel = 0;
  return sending_.size() - sent_ + static_cast<size_t>(std::max(0, in_kernel));
}

void HttpConnection::Read() {
  if (reading_) return;
  if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
  size_t room = parser_.HeaderDone() ? kBodyReadBytes : kReadBytes;
  if (in_begin_ > 0) {
    std::memmove(in_.data(), in_.data() + in_begin_, in_end_ - in_begin_);
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  // A header is parsed as a whole: there is room for it and for what comes after it.
  if (in_.size() < in_end_ + room) in_.resize(in_end_ + room);
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(in_.data() + in_end_, in_.size() - in_end_),
      [self = shared_from_this()](const error_code& error, size_t bytes) { self->OnRead(error, bytes); });
}

void HttpConnection::OnRead(const error_code& error, size_t bytes) {
  reading_ = false;
  if (error == asio::error::eof && tls_ && phase_ == Phase::kReceiving && !writing_) {
    tls_->Close(&out_);  // the peer may still want to know that nothing was cut
    Flush();
  }
  if (error) return Close();
  if (phase_ == Phase::kLingering || phase_ == Phase::kStreaming) {
    in_begin_ = in_end_ = 0;
    return Read();
  }
  read_at_ = MonotonicMicros();
  if (tls_ && !Decipher(&bytes)) return;
  if (!PartlyReceived()) arrived_ = read_at_;
  in_end_ += bytes;
  Process();
}

bool HttpConnection::Decipher(size_t* bytes) {
  const bool was_open = tls_->is_open();
  const std::string_view received(in_.data() + in_end_, *bytes);
  std::string said;
  const Status taken = tls_->Receive(received, &said, &out_);
  if (!taken) {
    if (InHandshake()) worker_->shared().metrics.refused_handshakes.Add();
    if (InHandshake() && received.front() >= 'A' && received.front() <= 'Z') return SpeakPlainly();
    Flush();  // the alert, if the socket takes it
    Close();
    return false;
  }
  if (!was_open && tls_->is_open()) WaitForRequest();
  if (said.empty() && tls_->peer_has_closed()) {
    Close();
    return false;
  }
  if (in_.size() < in_end_ + said.size()) in_.resize(in_end_ + said.size());
  std::memcpy(in_.data() + in_end_, said.data(), said.size());
  *bytes = said.size();
  return true;
}

// To a peer that asked without TLS.
bool HttpConnection::SpeakPlainly() {
  tls_.reset();
  out_.clear();
  Fail({400, "this port speaks TLS: https://"});
  Process();
  return false;
}

void HttpConnection::Linger() {
  phase_ = Phase::kLingering;
  give_up_at_ = MonotonicMicros() + kLingerTime;
  error_code error;
  socket_.shutdown(Tcp::socket::shutdown_send, error);
  in_begin_ = in_end_ = 0;
  if (error) return Close();
  Read();
}

void HttpConnection::CheckTime(Micros now) {
  if (writing_) {
    if (now >= progress_at_ + worker_->shared().options.send_timeout) Cut(HttpCut::kSlowReader);
    return;
  }
  if (now < give_up_at_) return;
  if (phase_ != Phase::kReceiving || close_after_write_) return Close();
  if (!PartlyReceived()) return UnsentBytes() > 0 ? Cut(HttpCut::kSlowReader) : CloseIdle();
  worker_->shared().metrics.cut[static_cast<size_t>(HttpCut::kSlowRequest)]->Add();
  if (InHandshake()) return Close();
  Fail({408, "the request did not come in time"});
  Process();
}

void HttpConnection::CloseIdle() {
  worker_->shared().metrics.cut[static_cast<size_t>(HttpCut::kIdle)]->Add();
  Close();
}

void HttpConnection::CloseIfIdle() {
  if (phase_ == Phase::kStreaming) return EndStream();
  bool idle = phase_ == Phase::kReceiving && !writing_ && !PartlyReceived();
  if (idle || phase_ == Phase::kLingering) Close();
}

void HttpConnection::Cut(HttpCut reason) {
  if (phase_ == Phase::kClosed) return;
  worker_->shared().metrics.cut[static_cast<size_t>(reason)]->Add();
  error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  Close();
}

void HttpConnection::Close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  ForgetStream();
  UncountBody();
  worker_->TakeUnsent(sending_.size() - sent_);
  address_->connection = nullptr;
  error_code error;
  socket_.close(error);
  worker_->shared().connections.fetch_sub(1, std::memory_order_relaxed);
  worker_->shared().metrics.connections.Add(-1);
  worker_->Bury(this);
}

}  // namespace feedmill::io
