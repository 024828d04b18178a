// Calls to the administration API of a running server.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "cli/connection.h"
#include "io/http_client.h"

namespace feedmill::cli {

class AdminClient {
 public:
  // `connection` must have its admin token. Does not connect yet.
  static Result<AdminClient> Make(const Connection& connection);

  // `name` below /v1/admin/: "bundles", "land". The body of a 2xx answer; otherwise an error with the server's own
  // words. kUnavailable when nobody listens.
  Result<std::string> Call(std::string_view method, std::string_view name, std::string_view body,
                           Micros timeout = 30 * kMicrosPerSecond);

 private:
  AdminClient(std::string url, std::string token, std::unique_ptr<io::HttpClient> http)
      : url_(std::move(url)), token_(std::move(token)), http_(std::move(http)) {}

  std::string url_;
  std::string token_;
  std::unique_ptr<io::HttpClient> http_;
};

}  // namespace feedmill::cli
