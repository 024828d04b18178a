// The console's pages, compiled into the binary by the build (web/dist), and how they are answered.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "io/http_server.h"

namespace feedmill::console {

struct Asset {
  std::string_view path;  // "index.html", "assets/index-abc.js"
  std::string_view bytes;
  std::string etag;  // with its quotes
};

std::span<const Asset> Assets();

// Answers GET and HEAD of /console and below: content type, ETag and 304, caching, content security policy. A path
// without a dot is a page of the application and gets index.html.
io::HttpResponse AnswerAsset(const io::HttpRequest& request, std::span<const Asset> assets);

}  // namespace feedmill::console
