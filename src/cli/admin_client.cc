#include "cli/admin_client.h"

#include <nlohmann/json.hpp>

namespace feedmill::cli {
namespace {

std::string MessageOf(const io::HttpReply& reply) {
  const auto json = nlohmann::json::parse(reply.body, nullptr, false);
  if (json.is_object() && json.contains("error") && json["error"].is_object())
    return json["error"].value("message", reply.body);
  return reply.body.substr(0, 300);
}

}  // namespace

Result<AdminClient> AdminClient::Make(const Connection& connection) {
  FEEDMILL_ASSIGN(auto http, io::MakeHttpClient(connection.url));
  return AdminClient(connection.url, connection.admin_token, std::move(http));
}

Result<std::string> AdminClient::Call(std::string_view method, std::string_view name, std::string_view body,
                                      Micros timeout) {
  auto reply = http_->Send(method, fmt::format("/v1/admin/{}", name),
                           {{"authorization", "Bearer " + token_}, {"content-type", "application/json"}}, body,
                           Deadline::After(timeout));
  if (!reply)
    return std::unexpected(
        reply.error().WithContext(fmt::format("no answer from {}; is `feedmill up` running?", url_)));
  if (reply->status < 300) return std::move(reply->body);
  const ErrorKind kind = reply->status == 404  ? ErrorKind::kNotFound
                         : reply->status < 500 ? ErrorKind::kInvalidArgument
                                               : ErrorKind::kUnavailable;
  return Fail(kind, "{} answered {}: {}", name, reply->status, MessageOf(*reply));
}

}  // namespace feedmill::cli
