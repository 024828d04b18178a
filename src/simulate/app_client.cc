#include "simulate/app_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/text_encoding.h"
#include "base/time_text.h"

namespace feedmill::simulate {
namespace {

using Json = nlohmann::json;

constexpr Micros kFirstPause = 50 * kMicrosPerMilli;
constexpr Micros kLongestPause = 5 * kMicrosPerSecond;

Micros PauseBefore(int attempt, std::string_view retry_after) {
  int seconds = 0;
  if (std::from_chars(retry_after.data(), retry_after.data() + retry_after.size(), seconds).ec == std::errc() &&
      seconds > 0) {
    return std::min(kLongestPause, seconds * kMicrosPerSecond);
  }
  return std::min(kLongestPause, kFirstPause << std::min(attempt, 10));
}

Result<Json> ParseReply(std::string_view target, const io::HttpReply& reply) {
  Json json = Json::parse(reply.body, nullptr, false);
  if (json.is_discarded())
    return Unavailable("{}: answered {} with a body that is not JSON: {}", target, reply.status,
                       reply.body.substr(0, 200));
  return json;
}

}  // namespace

Result<std::unique_ptr<AppClient>> AppClient::Connect(const AppClientOptions& options) {
  FEEDMILL_ASSIGN(auto http, io::MakeHttpClient(options.url));
  return std::unique_ptr<AppClient>(new AppClient(options, std::move(http)));
}

Result<io::HttpReply> AppClient::Call(std::string_view method, std::string_view target, std::string_view authorization,
                                      std::string_view body) {
  Error last(ErrorKind::kUnavailable, "no attempt was made");
  for (int attempt = 0; attempt < options_.attempts_max; ++attempt) {
    auto reply = http_->Send(method, target,
                             {{"authorization", std::string(authorization)}, {"content-type", "application/json"}},
                             body, Deadline::After(options_.timeout));
    std::string retry_after;
    if (reply && reply->status != 429 && reply->status != 503) {
      if (reply->status < 400) return reply;
      return InvalidArgument("{} {}{}: answered {}: {}", method, options_.url, target, reply->status,
                             reply->body.substr(0, 500));
    }
    if (reply) {
      last = Error(ErrorKind::kUnavailable, fmt::format("answered {}: {}", reply->status, reply->body.substr(0, 200)));
      retry_after = reply->Header("retry-after");
    } else {
      last = reply.error();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(PauseBefore(attempt, retry_after)));
  }
  return std::unexpected(
      last.WithContext(fmt::format("{} {}{} after {} attempts", method, options_.url, target, options_.attempts_max)));
}

Result<std::string> AppClient::Send(const std::string& body) {
  const std::string authorization = "Basic " + Base64Encode(options_.write_key + ":");
  FEEDMILL_ASSIGN(const io::HttpReply reply, Call("POST", "/v1/batch", authorization, body));
  FEEDMILL_ASSIGN(const Json json, ParseReply("/v1/batch", reply));
  const auto rejected = json.find("rejected");
  if (rejected != json.end() && !rejected->empty()) {
    return InvalidArgument("/v1/batch: the platform refused {} event(s), the first: {}", rejected->size(),
                           rejected->front().dump());
  }
  return json.value("position", "");
}

Result<Feed> AppClient::AskFeed(std::string_view user_id, std::string_view scene, int64_t count,
                                std::string_view after) {
  Json request = {{"user_id", user_id}, {"scene", scene}, {"n", count}};
  if (!after.empty()) request["after"] = after;
  const Micros begin = MonotonicMicros();
  FEEDMILL_ASSIGN(const io::HttpReply reply, Call("POST", "/v1/feed", "Bearer " + options_.read_key, request.dump()));
  Feed feed;
  feed.took = MonotonicMicros() - begin;
  FEEDMILL_ASSIGN(const Json json, ParseReply("/v1/feed", reply));
  feed.request_id = json.value("request_id", "");
  feed.degraded = json.contains("degraded") && !json["degraded"].empty();
  if (!json.contains("items") || !json["items"].is_array())
    return Unavailable("/v1/feed: the answer has no list \"items\"");
  for (const Json& item : json["items"]) feed.items.push_back({item.value("id", ""), item.value("source", "")});
  return feed;
}

Status AppClient::SetClock(Micros now) {
  const Json request = {{"now", FormatTime(now)}};
  FEEDMILL_TRY(Call("POST", "/v1/admin/clock", "Bearer " + options_.admin_token, request.dump()));
  return Ok();
}

}  // namespace feedmill::simulate
