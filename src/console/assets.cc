#include "console/assets.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "console/embedded_console.h"

namespace feedmill::console {
namespace {

constexpr std::string_view kRoot = "/console/";
// Everything comes from this server and nothing else; no page may frame the console.
constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kContentTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".woff2", "font/woff2"},
    {".png", "image/png"},
    {".json", "application/json"},
}};

std::string ContentType(std::string_view path) {
  for (const auto& [ending, type] : kContentTypes) {
    if (path.ends_with(ending)) return std::string(type);
  }
  return "application/octet-stream";
}

const Asset* Find(std::span<const Asset> assets, std::string_view path) {
  for (const Asset& asset : assets) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

io::HttpResponse Plain(int status, std::string body) {
  io::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

// The name of the asset that a path asks for.
std::string_view AssetName(std::string_view path) {
  std::string_view name = path.substr(kRoot.size());
  return name.find('.') == std::string_view::npos ? "index.html" : name;
}

std::vector<Asset> MakeAssets() {
  std::vector<Asset> assets;
  for (const EmbeddedPage& page : EmbeddedConsole())
    assets.push_back({page.path, page.content, '"' + Sha256Hex(page.content).substr(0, 16) + '"'});
  return assets;
}

}  // namespace

std::span<const Asset> Assets() {
  static const std::vector<Asset> kAssets = MakeAssets();
  return kAssets;
}

io::HttpResponse AnswerAsset(const io::HttpRequest& request, std::span<const Asset> assets) {
  if (request.method != "GET" && request.method != "HEAD") {
    io::HttpResponse response = Plain(405, "GET or HEAD\n");
    response.headers.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  if (!request.path.starts_with(kRoot)) {
    io::HttpResponse response = Plain(308, "");
    response.headers.emplace_back("Location", kRoot);
    return response;
  }
  const std::string_view name = AssetName(request.path);
  const Asset* asset = Find(assets, name);
  if (asset == nullptr) return Plain(404, "there is no such page\n");
  io::HttpResponse response;
  response.content_type = ContentType(name);
  response.headers = {
      {"ETag", asset->etag},
      {"Cache-Control", name.starts_with("assets/") ? "public, max-age=31536000, immutable" : "no-cache"},
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Content-Security-Policy", kContentSecurityPolicy}};
  if (request.Header("if-none-match") == asset->etag) {
    response.status = 304;
    return response;
  }
  if (request.method == "GET") response.body = std::string(asset->bytes);
  return response;
}

}  // namespace feedmill::console
