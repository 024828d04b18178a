// The HTTP servers of a process: the one of the settings, one for metrics where they have an address of their own, and,
// when these speak TLS, a plain one that only this machine reaches, for the verbs.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "io/http_server.h"

namespace feedmill::app {

class Front {
 public:
  // `options` are those of the settings' server; `all` and `metrics` answer.
  static Result<std::unique_ptr<Front>> Start(const Config& config, const io::HttpServerOptions& options,
                                              const io::HttpHandler& all, const io::HttpHandler& metrics);

  uint16_t port() const { return main_->port(); }
  std::string LocalUrl() const { return local_url_; }  // reaches it from this machine without a certificate's name
  // As io::HttpServer::Stop.
  void Stop(Micros grace);

 private:
  std::unique_ptr<io::HttpServer> main_;
  std::unique_ptr<io::HttpServer> local_;    // null without TLS
  std::unique_ptr<io::HttpServer> metrics_;  // null without an address of its own
  std::string local_url_;
};

// How people name the server of these settings.
std::string PublicUrl(const Config& config, uint16_t port);

}  // namespace feedmill::app
