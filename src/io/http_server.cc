#include "io/http_server.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "base/mutex.h"
#include "io/http_connection_internal.h"

namespace feedmill::io {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr Micros kSweepEveryMin = 5 * kMicrosPerMilli;
constexpr Micros kSweepEveryMax = kMicrosPerSecond;
constexpr Micros kAcceptPause = 50 * kMicrosPerMilli;
constexpr Micros kAcceptWarningEvery = 10 * kMicrosPerSecond;
constexpr Micros kDrainPoll = 2 * kMicrosPerMilli;
thread_local HttpWorker* current_worker = nullptr;

}  // namespace

HttpMetrics::HttpMetrics(MetricsRegistry& registry)
    : connections(registry.GetGauge("feedmill_http_connections", "Connections that are open.")),
      unsent_bytes(registry.GetGauge("feedmill_http_unsent_bytes", "Bytes of answers that peers have not taken yet.")),
      refused_connections(registry.GetCounter("feedmill_http_refused_total", "What was refused before it was read.",
                                              {{"reason", "connections"}})),
      refused_bodies(registry.GetCounter("feedmill_http_refused_total", "", {{"reason", "bodies"}})),
      refused_handshakes(registry.GetCounter("feedmill_http_refused_total", "", {{"reason", "tls"}})),
      cut{} {
  constexpr std::array<const char*, 4> kReasons = {"slow_reader", "unsent_bytes", "slow_request", "idle"};
  for (size_t i = 0; i < cut.size(); ++i)
    cut[i] = &registry.GetCounter("feedmill_http_cut_total", "Connections that the server ended.",
                                  {{"reason", kReasons[i]}});
}

void HttpMailbox::Post(Letter letter) {
  MutexLock lock(mutex_);
  if (closed_) return;
  letters_.push_back(std::move(letter));
  if (letters_.size() == 1) asio::post(worker_->context(), [worker = worker_] { worker->DeliverMail(); });
}

std::vector<HttpMailbox::Letter> HttpMailbox::TakeAll() {
  MutexLock lock(mutex_);
  return std::exchange(letters_, {});
}

void HttpMailbox::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  letters_.clear();
}

HttpWorker::HttpWorker(std::shared_ptr<HttpServerShared> shared) : shared_(std::move(shared)) {}

HttpWorker::~HttpWorker() { Stop(); }

HttpWorker* HttpWorker::Current() { return current_worker; }

// Over a copy: the function may close connections.
template <typename Function>
void HttpWorker::ForEach(Function function) {
  std::vector<std::shared_ptr<HttpConnection>> all;
  for (const auto& [key, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) function(*connection);
}

void HttpWorker::Start() {
  ScheduleSweep();
  thread_ = std::thread([this] { Run(); });
}

void HttpWorker::Run() {
  current_worker = this;
  auto keep_running = asio::make_work_guard(context_);
  context_.run();
  current_worker = nullptr;
}

void HttpWorker::Adopt(HttpSocket&& socket, bool refused) {
  asio::dispatch(context_, [this, refused, taken = std::move(socket)]() mutable {
    auto connection = std::make_shared<HttpConnection>(this, std::move(taken));
    connections_.emplace(connection.get(), connection);
    refused ? connection->Refuse() : connection->Start();
  });
}

void HttpWorker::CloseIdle() {
  asio::post(context_, [this] { ForEach([](HttpConnection& connection) { connection.CloseIfIdle(); }); });
}

void HttpWorker::Bury(HttpConnection* connection) {
  auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (buried_.empty()) asio::post(context_, [this] { buried_.clear(); });
  buried_.push_back(std::move(found->second));
  connections_.erase(found);
}

void HttpWorker::Stop() {
  mailbox_->Close();
  if (!thread_.joinable()) return;
  asio::post(context_, [this] {
    ForEach([](HttpConnection& connection) { connection.Close(); });
    context_.stop();
  });
  thread_.join();
}

void HttpWorker::DeliverMail() {
  for (auto& [to, what] : mailbox_->TakeAll()) {
    HttpConnection* const connection = to->connection;
    if (connection == nullptr) continue;
    if (auto* const response = std::get_if<HttpResponse>(&what)) {
      connection->Answer(std::move(*response));
    } else {
      connection->TakePiece(std::get<HttpPiece>(what));
    }
  }
}

const std::string& HttpWorker::Date() {
  int64_t now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    date_ = FormatHttpDate(now);
  }
  return date_;
}

void HttpWorker::ScheduleSweep() {
  const HttpServerOptions& options = shared_->options;
  Micros every =
      std::clamp(std::min(options.idle_timeout, options.request_timeout) / 4, kSweepEveryMin, kSweepEveryMax);
  sweep_timer_.expires_after(std::chrono::microseconds(every));
  sweep_timer_.async_wait([this](const error_code& error) {
    if (!error) Sweep();
  });
}

void HttpWorker::Sweep() {
  Micros now = MonotonicMicros();
  unsent_bytes_ = 0;
  ForEach([&](HttpConnection& connection) {
    connection.CheckTime(now);
    unsent_bytes_ += connection.UnsentBytes();
  });
  if (unsent_bytes_ > UnsentShare()) CutSlowest();
  shared_->metrics.unsent_bytes.Add(static_cast<double>(unsent_bytes_) - shown_unsent_);
  shown_unsent_ = static_cast<double>(unsent_bytes_);
  ScheduleSweep();
}

size_t HttpWorker::UnsentShare() const {
  return shared_->options.unsent_bytes_max / static_cast<size_t>(std::max(1, shared_->options.threads));
}

void HttpWorker::AddUnsent(size_t bytes) {
  unsent_bytes_ += bytes;
  if (unsent_bytes_ > UnsentShare()) CutSlowest();
}

// Those whose peers have taken nothing for longest go, until the rest is within the share.
void HttpWorker::CutSlowest() {
  std::vector<std::pair<Micros, HttpConnection*>> holders;
  unsent_bytes_ = 0;
  ForEach([&](HttpConnection& connection) {
    const size_t unsent = connection.UnsentBytes();
    if (unsent > 0) holders.emplace_back(connection.progress_at(), &connection);
    unsent_bytes_ += unsent;
  });
  std::ranges::sort(holders);
  for (const auto& [since, connection] : holders) {
    if (unsent_bytes_ <= UnsentShare()) return;
    const size_t rest = unsent_bytes_ - std::min(unsent_bytes_, connection->UnsentBytes());
    connection->Cut(HttpCut::kUnsentBytes);
    unsent_bytes_ = rest;
  }
}

namespace {

class Server final : public HttpServer {
 public:
  Server(const HttpServerOptions& options, HttpHandler handler)
      : shared_(std::make_shared<HttpServerShared>(options)), acceptor_(accept_context_) {
    shared_->handler = std::move(handler);
  }
  ~Server() override { Stop(0); }

  Status Listen();
  uint16_t port() const override { return port_; }
  void Stop(Micros grace) override;

 private:
  void Accept();
  void Distribute(HttpSocket&& socket);
  void PauseAccept(const error_code& reason);

  std::shared_ptr<HttpServerShared> shared_;
  std::vector<std::unique_ptr<HttpWorker>> workers_;
  size_t next_worker_ = 0;
  asio::io_context accept_context_{1};
  asio::basic_socket_acceptor<Tcp, asio::io_context::executor_type> acceptor_;
  std::thread accept_thread_;
  uint16_t port_ = 0;
  Micros next_warning_ = 0;
  Mutex stop_mutex_;
  bool stopped_ FEEDMILL_GUARDED_BY(stop_mutex_) = false;
};

Status Server::Listen() {
  const HttpServerOptions& options = shared_->options;
  if (options.tls.any()) {
    FEEDMILL_ASSIGN(shared_->tls, TlsFiles::Open(options.tls));
    if (options.metrics != nullptr)
      options.metrics->AddGaugeFunction("feedmill_http_tls_certificate_ends_seconds",
                                        "When the certificate ends, unix time.", {},
                                        [shared = shared_] { return shared->tls->ends_at(); });
  }
  error_code error;
  auto address = asio::ip::make_address(options.address, error);
  if (error)
    return InvalidArgument("listen: address: found '{}', allowed an IP address such as 127.0.0.1, without a port",
                           options.address);
  Tcp::endpoint endpoint(address, options.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  // Accepted sockets take it over.
  if (!error && options.send_buffer_bytes > 0)
    acceptor_.set_option(asio::socket_base::send_buffer_size(static_cast<int>(options.send_buffer_bytes)), error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    return Unavailable("listen on {} port {}: the port is in use; stop the other program or choose another port",
                       options.address, options.port);
  }
  if (error == asio::error::access_denied) {
    return PermissionDenied("listen on {} port {}: not permitted; ports below 1024 need rights", options.address,
                            options.port);
  }
  if (error) return Io("listen on {} port {}: {}", options.address, options.port, error.message());
  port_ = acceptor_.local_endpoint().port();
  for (int i = 0; i < std::max(1, options.threads); ++i) workers_.push_back(std::make_unique<HttpWorker>(shared_));
  for (auto& worker : workers_) worker->Start();
  Accept();
  accept_thread_ = std::thread([this] { accept_context_.run(); });
  return Ok();
}

// Sockets are made on the worker they will live on, in turn.
void Server::Accept() {
  HttpWorker& worker = *workers_[next_worker_];
  acceptor_.async_accept(worker.context(), [this](const error_code& error, HttpSocket socket) {
    if (error == asio::error::operation_aborted || shared_->stopping) return;
    if (error && error != asio::error::connection_aborted) return PauseAccept(error);
    if (!error) Distribute(std::move(socket));
    Accept();
  });
}

void Server::Distribute(HttpSocket&& socket) {
  HttpWorker& worker = *workers_[next_worker_];
  next_worker_ = (next_worker_ + 1) % workers_.size();
  int open = shared_->connections.load(std::memory_order_relaxed);
  int allowed = shared_->options.connections_max;
  if (open >= allowed) shared_->metrics.refused_connections.Add();
  if (open >= allowed + HttpRefusedMax(allowed)) return;
  shared_->connections.fetch_add(1, std::memory_order_relaxed);
  shared_->metrics.connections.Add(1);
  worker.Adopt(std::move(socket), open >= allowed);
}

// Out of descriptors, most likely: the peer waits in the listen queue until one is free again.
void Server::PauseAccept(const error_code& reason) {
  if (MonotonicMicros() >= next_warning_) {
    next_warning_ = MonotonicMicros() + kAcceptWarningEvery;
    log::Warn("cannot accept connections", {{"port", port_}, {"error", reason.message()}});
  }
  auto timer = std::make_shared<asio::steady_timer>(accept_context_, std::chrono::microseconds(kAcceptPause));
  timer->async_wait([this, timer](const error_code& error) {
    if (!error && !shared_->stopping) Accept();
  });
}

void Server::Stop(Micros grace) {
  MutexLock lock(stop_mutex_);
  if (std::exchange(stopped_, true)) return;
  shared_->stopping = true;
  accept_context_.stop();
  if (accept_thread_.joinable()) accept_thread_.join();
  error_code ignored;
  acceptor_.close(ignored);
  Micros end = MonotonicMicros() + grace;
  while (shared_->connections > 0 && MonotonicMicros() < end) {
    for (auto& worker : workers_) worker->CloseIdle();
    std::this_thread::sleep_for(std::chrono::microseconds(kDrainPoll));
  }
  for (auto& worker : workers_) worker->Stop();
}

}  // namespace

bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

Result<std::unique_ptr<HttpServer>> StartHttpServer(const HttpServerOptions& options, HttpHandler handler) {
  auto server = std::make_unique<Server>(options, std::move(handler));
  FEEDMILL_TRY(server->Listen());
  return server;
}

}  // namespace feedmill::io
