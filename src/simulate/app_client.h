// The app's side of the platform's HTTP API: sends events, asks for feeds, drives the clock of a platform that lets
// itself be driven.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/http_client.h"

namespace feedmill::simulate {

struct AppClientOptions {
  std::string url = "http://127.0.0.1:8080";
  std::string write_key;
  std::string read_key;
  std::string admin_token;  // only for driving the clock
  Micros timeout = 30 * kMicrosPerSecond;
  int attempts_max = 8;  // for 429, 503 and cut connections; Retry-After is respected
};

struct FeedItem {
  std::string id;
  std::string source;
};

struct Feed {
  std::string request_id;
  std::vector<FeedItem> items;
  Micros took = 0;  // seen from here
  bool degraded = false;
};

class AppClient {
 public:
  static Result<std::unique_ptr<AppClient>> Connect(const AppClientOptions& options);

  // Sends a {"batch":[...]} body until it is accepted; an event refused by the platform is an error (the world sends
  // only valid ones). Returns the position to give to the next feed.
  Result<std::string> Send(const std::string& body);
  Result<Feed> AskFeed(std::string_view user_id, std::string_view scene, int64_t count, std::string_view after);
  Status SetClock(Micros now);

 private:
  AppClient(AppClientOptions options, std::unique_ptr<io::HttpClient> http)
      : options_(std::move(options)), http_(std::move(http)) {}
  Result<io::HttpReply> Call(std::string_view method, std::string_view target, std::string_view authorization,
                             std::string_view body);

  AppClientOptions options_;
  std::unique_ptr<io::HttpClient> http_;
};

}  // namespace feedmill::simulate
