#include "serve/feed_errors.h"

#include "base/text_encoding.h"
#include "serve/json_text.h"

namespace feedmill::serve {

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
  if (const std::string_view key = request.Credentials("bearer"); !key.empty()) return std::string(key);
  const auto decoded = Base64Decode(request.Credentials("basic"));
  return decoded ? decoded->substr(0, decoded->find(':')) : "";
}

}  // namespace feedmill::serve
