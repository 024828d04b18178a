// Pieces of HTTP/1.1 messages that server and client share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/http_server.h"

namespace feedmill::io {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// "Not Found" for 404; "Status" for numbers nobody registered.
std::string_view StatusText(int status);

// Splits an origin-form or absolute-form target into the request's path and query, decoded. False when it is neither
// (nor "*").
bool ParseTarget(std::string_view target, HttpRequest* request);

// Whether two tokens are the same whatever the letters' case (ASCII).
bool SameIgnoringCase(std::string_view a, std::string_view b);

// True when `list` ("gzip, Keep-Alive") holds `token`, whatever the letters' case.
bool HasToken(std::string_view list, std::string_view token);

// How an answer is framed.
struct ResponseFrame {
  bool head = false;            // the request was HEAD: say the length, send no body
  bool close = false;           // this connection ends afterwards
  bool keep_alive_1_0 = false;  // an HTTP/1.0 client asked to keep the connection
  std::string_view date = {};   // as FormatHttpDate gives it
};
// Appends the whole answer. Headers whose name or value would break the message are left out.
void AppendResponse(const HttpResponse& response, const ResponseFrame& frame, std::string* out);
// Of an answer that goes on: the header alone. Pieces follow as chunks, to an HTTP/1.0 client as they are.
void AppendStreamHead(const HttpResponse& response, const ResponseFrame& frame, std::string* out);

// "Sun, 22 Nov 2026 21:52:06 GMT" (RFC 9110, 5.6.7).
std::string FormatHttpDate(int64_t unix_seconds);

}  // namespace feedmill::io
