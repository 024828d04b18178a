#include "app/http_options.h"

#include "base/log.h"
#include "io/descriptors.h"

namespace feedmill::app {

Result<io::HttpServerOptions> HttpOptionsWithin(const Config& config, int descriptors, MetricsRegistry* metrics) {
  io::HttpServerOptions options = config.http;
  options.metrics = metrics;
  options.connections_max =
      io::ConnectionsWithin(descriptors, config.descriptors_reserved, config.http.connections_max);
  if (options.connections_max == 0) {
    return ResourceExhausted(
        "http: found a limit of {} open files, of which http.descriptors_reserved keeps {}; raise the limit (ulimit "
        "-n)",
        descriptors, config.descriptors_reserved);
  }
  if (options.connections_max < config.http.connections_max) {
    log::Warn("fewer connections than http.connections_max: the system allows few open files",
              {{"connections", options.connections_max}, {"open_files_max", descriptors}});
  }
  return options;
}

}  // namespace feedmill::app
