#include "app/browser_access.h"

#include <algorithm>
#include <memory>

#include "base/text_encoding.h"

namespace feedmill::app {
namespace {

constexpr std::string_view kAnyPort = ":*";
constexpr const char* kAnswersKept = "600";  // seconds; a preflight costs every first request a round trip

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

bool IsOrigin(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == 0 || scheme == std::string_view::npos) return false;
  const std::string_view rest = text.substr(scheme + 3);
  return !rest.empty() && rest.find_first_of("/?# *") == std::string_view::npos;
}

bool Matches(std::string_view pattern, std::string_view origin) {
  if (pattern == "*" || pattern == origin) return true;
  if (!pattern.ends_with(kAnyPort)) return false;
  pattern.remove_suffix(kAnyPort.size());
  if (!origin.starts_with(pattern)) return false;
  origin.remove_prefix(pattern.size());
  if (origin.empty()) return true;
  return origin.size() > 1 && origin.front() == ':' && origin.find_first_not_of("0123456789", 1) == origin.npos;
}

void Grant(std::string_view origin, io::HttpResponse* response) {
  response->headers.emplace_back("Access-Control-Allow-Origin", origin);
  response->headers.emplace_back("Access-Control-Expose-Headers", "Retry-After, X-RateLimit-Reset");
  response->headers.emplace_back("Vary", "Origin");
}

}  // namespace

Result<BrowserAccess> BrowserAccess::Make(const std::vector<std::string>& allowed_origins) {
  BrowserAccess access;
  for (const std::string& origin : allowed_origins) {
    std::string_view plain = origin;
    if (plain.ends_with(kAnyPort)) plain.remove_suffix(kAnyPort.size());
    if (origin != "*" && !IsOrigin(plain)) {
      return InvalidArgument(
          "http.allowed_origins: found \"{}\", allowed an origin such as https://app.example or "
          "http://localhost:*, without a path, or *",
          origin);
    }
    access.origins_.push_back(Lower(origin));
  }
  return access;
}

bool BrowserAccess::Allows(std::string_view origin) const {
  const std::string lower = Lower(origin);
  return std::ranges::any_of(origins_, [&](const std::string& pattern) { return Matches(pattern, lower); });
}

std::optional<io::HttpResponse> BrowserAccess::AnswerPreflight(const io::HttpRequest& request) const {
  if (request.method != "OPTIONS" || request.Header("access-control-request-method").empty()) return std::nullopt;
  const std::string_view origin = request.Header("origin");
  if (origin.empty()) return std::nullopt;
  io::HttpResponse response;
  if (!Allows(origin)) {
    response.status = 403;
    response.body =
        "{\"error\":{\"message\":\"pages of this origin may not use this server\",\"field\":\"Origin\",\"found\":";
    AppendJsonString(origin, &response.body);
    response.body += ",\"allowed\":\"what http.allowed_origins of feedmill.toml names\"}}";
    return response;
  }
  response.status = 204;
  Grant(origin, &response);
  response.headers.emplace_back("Access-Control-Allow-Methods", "GET, POST");
  response.headers.emplace_back("Access-Control-Allow-Headers", "authorization, content-type, prefer, x-retry-count");
  response.headers.emplace_back("Access-Control-Max-Age", kAnswersKept);
  return response;
}

io::HttpResponder BrowserAccess::LetRead(const io::HttpRequest& request, io::HttpResponder&& respond) const {
  const std::string_view origin = request.Header("origin");
  if (origin.empty() || !Allows(origin)) return std::move(respond);
  auto inner = std::make_shared<io::HttpResponder>(std::move(respond));
  return io::HttpResponder([inner, origin = std::string(origin)](io::HttpResponse&& response) {
    Grant(origin, &response);
    (*inner)(std::move(response));
  });
}

void BrowserAccess::LetRead(const io::HttpRequest& request, io::HttpResponse* response) const {
  const std::string_view origin = request.Header("origin");
  if (!origin.empty() && Allows(origin)) Grant(origin, response);
}

}  // namespace feedmill::app
