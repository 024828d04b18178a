// The HTTP server's options as the settings and the system's limits give them.
#pragma once

#include "app/config.h"
#include "base/metrics.h"
#include "base/result.h"
#include "io/http_server.h"

namespace feedmill::app {

// Connections may not take the descriptors that files need: of `descriptors` open files some are kept back, and fewer
// connections than the settings allow are warned of. kResourceExhausted when none is left.
Result<io::HttpServerOptions> HttpOptionsWithin(const Config& config, int descriptors, MetricsRegistry* metrics);

}  // namespace feedmill::app
