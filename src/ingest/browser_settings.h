// What Segment's library for browsers asks a server before it sends: where events go, and that nothing else is to load.
#pragma once

#include <string_view>

#include "ingest/write_keys.h"
#include "io/http_server.h"

namespace feedmill::ingest {

inline constexpr std::string_view kProjectsPath = "/v1/projects/";

// The answer to GET /v1/projects/<write key>/settings: 404 when no such key is known. Events are to be sent to
// `public_url` ("https://events.example"); empty: to the host that the request names.
io::HttpResponse BrowserSettings(const io::HttpRequest& request, const WriteKeys& keys, std::string_view public_url);

}  // namespace feedmill::ingest
