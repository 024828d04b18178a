#include "ingest/browser_settings.h"

#include <algorithm>
#include <utility>

#include "base/text_encoding.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kEnding = "/settings";

io::HttpResponse Refusal(int status, std::string_view message) {
  io::HttpResponse response;
  response.status = status;
  response.body = "{\"error\":{\"message\":";
  AppendJsonString(message, &response.body);
  response.body += "}}";
  return response;
}

bool IsHost(std::string_view text) {
  constexpr std::string_view kMarks = ".-_:[]";
  return !text.empty() && std::ranges::all_of(text, [&](unsigned char c) {
    return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// Protocol and host of the place that events go to.
std::pair<std::string_view, std::string_view> Target(const io::HttpRequest& request, std::string_view public_url) {
  constexpr std::string_view kSeparator = "://";
  while (public_url.ends_with('/')) public_url.remove_suffix(1);
  const size_t separator = public_url.find(kSeparator);
  if (separator != std::string_view::npos)
    return {public_url.substr(0, separator), public_url.substr(separator + kSeparator.size())};
  // A proxy that ends TLS says so.
  const bool secure = request.secure || request.Header("x-forwarded-proto") == "https";
  return {secure ? "https" : "http", request.Header("host")};
}

}  // namespace

io::HttpResponse BrowserSettings(const io::HttpRequest& request, const WriteKeys& keys, std::string_view public_url) {
  std::string_view key = std::string_view(request.path).substr(kProjectsPath.size());
  if (!key.ends_with(kEnding)) return Refusal(404, "allowed: /v1/projects/<write key>/settings");
  key.remove_suffix(kEnding.size());
  if (request.method != "GET" && request.method != "HEAD") {
    io::HttpResponse response = Refusal(405, "found " + request.method + ", allowed GET");
    response.headers.emplace_back("Allow", "GET");
    return response;
  }
  if (keys.Find(key) == nullptr) return Refusal(404, "the write key is unknown");
  const auto [protocol, host] = Target(request, public_url);
  if (!IsHost(host.substr(0, host.find('/')))) return Refusal(400, "Host header: found no name of a host");
  io::HttpResponse response;
  response.headers.emplace_back("Cache-Control", "no-store");
  std::string& body = response.body;
  body = R"({"integrations":{"Segment.io":{"apiKey":)";
  AppendJsonString(key, &body);
  body += R"(,"apiHost":)";
  AppendJsonString(std::string(host) + "/v1", &body);
  body += R"(,"protocol":)";
  AppendJsonString(protocol, &body);
  body += R"(,"unbundledIntegrations":[],"addBundledMetadata":false,"maybeBundledConfigIds":{}}},)"
          R"("plan":{"track":{"__default":{"enabled":true,"integrations":{}}},)"
          R"("identify":{"__default":{"enabled":true}},"group":{"__default":{"enabled":true}}},)"
          R"("middlewareSettings":{},"enabledMiddleware":{},"metrics":{"sampleRate":0},)"
          R"("edgeFunction":{},"remotePlugins":[],"legacyVideoPluginsEnabled":false,"analyticsNextEnabled":true})";
  return response;
}

}  // namespace feedmill::ingest
