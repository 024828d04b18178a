// One process with every role: collect, log, landing, stream, serve, console. Wires the rooms and takes them down in
// order.
#pragma once

#include <cstdint>
#include <memory>

#include "app/config.h"
#include "base/result.h"

namespace feedmill::app {

class Server {
 public:
  virtual ~Server() = default;  // stops
  virtual uint16_t port() const = 0;
  // Order: HTTP (requests in flight end), feeds, console, tail, log, landing (what the log has lands), collector's
  // checkpoint. Idempotent.
  virtual void Stop() = 0;
};

// Ready when it returns: the log's tail has been applied and the port is bound.
Result<std::unique_ptr<Server>> StartServer(const Config& config);

}  // namespace feedmill::app
