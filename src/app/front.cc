#include "app/front.h"

#include <algorithm>

namespace feedmill::app {
namespace {

constexpr int kMetricsConnectionsMax = 32;
constexpr int kLocalConnectionsMax = 64;  // of verbs; each takes a descriptor beyond those of http.connections_max
constexpr const char* kThisMachine = "127.0.0.1";

std::string InUrl(const std::string& address) {
  return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

// Of every address of this machine, one.
std::string Reachable(const std::string& address) {
  return address == "0.0.0.0" || address == "::" ? kThisMachine : address;
}

// An error that says which table of the settings it is about.
Result<std::unique_ptr<io::HttpServer>> Named(const char* table, Result<std::unique_ptr<io::HttpServer>> server) {
  if (server) return server;
  return std::unexpected(server.error().WithContext(table));
}

}  // namespace

Result<std::unique_ptr<Front>> Front::Start(const Config& config, const io::HttpServerOptions& options,
                                            const io::HttpHandler& all, const io::HttpHandler& metrics) {
  auto front = std::make_unique<Front>();
  FEEDMILL_ASSIGN(front->main_, Named("http", io::StartHttpServer(options, all)));
  front->local_url_ = fmt::format("http://{}:{}", InUrl(Reachable(options.address)), front->port());
  if (options.tls.any()) {
    io::HttpServerOptions plain = options;
    plain.address = kThisMachine;
    plain.port = 0;
    plain.tls = {};
    plain.connections_max = std::min(plain.connections_max, kLocalConnectionsMax);
    FEEDMILL_ASSIGN(front->local_, io::StartHttpServer(plain, all));
    front->local_url_ = fmt::format("http://{}:{}", kThisMachine, front->local_->port());
  }
  if (config.metrics.address.empty()) return front;
  const io::HttpServerOptions own{.address = config.metrics.address,
                                  .port = config.metrics.port,
                                  .connections_max = kMetricsConnectionsMax,
                                  .tls = options.tls};
  FEEDMILL_ASSIGN(front->metrics_, Named("metrics", io::StartHttpServer(own, metrics)));
  return front;
}

void Front::Stop(Micros grace) {
  main_->Stop(grace);
  if (local_) local_->Stop(grace);
  if (metrics_) metrics_->Stop(0);
}

std::string PublicUrl(const Config& config, uint16_t port) {
  return fmt::format("{}://{}:{}", config.http.tls.any() ? "https" : "http", InUrl(config.http.address), port);
}

}  // namespace feedmill::app
