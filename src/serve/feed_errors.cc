#include "serve/feed_errors.h"

#include "base/text_encoding.h"
#include "serve/json_text.h"

namespace feedmill::serve {
namespace {

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kBasic = "Basic ";

}  // namespace

io::HttpResponse ErrorResponse(const FeedError& error) {
  io::HttpResponse response;
  response.status = error.status;
  JsonText json(&response.body);
  json.Open('{').Key("error").Open('{').Key("message").Text(error.message);
  if (!error.field.empty()) json.Key("field").Text(error.field);
  if (!error.found.empty()) json.Key("found").Text(error.found);
  if (!error.allowed.empty()) json.Key("allowed").Text(error.allowed);
  json.Close('}').Close('}');
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"feedmill\"");
  if (error.status == 405) response.headers.emplace_back("Allow", error.allowed);
  if (error.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

std::string ReadKeyOf(const io::HttpRequest& request) {
  const std::string_view authorization = request.Header("authorization");
  if (authorization.starts_with(kBearer)) return std::string(authorization.substr(kBearer.size()));
  if (!authorization.starts_with(kBasic)) return "";
  const auto decoded = Base64Decode(authorization.substr(kBasic.size()));
  return decoded ? decoded->substr(0, decoded->find(':')) : "";
}

}  // namespace feedmill::serve
