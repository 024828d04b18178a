// The error answers of /v1/feed and /v1/explain: {"error": {"message", "field", "found", "allowed"}}.
#pragma once

#include <string>
#include <string_view>

#include "io/http_server.h"

namespace feedmill::serve {

struct FeedError {
  int status = 400;
  std::string message;
  std::string field;  // "" when no field is to blame
  std::string found;
  std::string allowed;
};

io::HttpResponse ErrorResponse(const FeedError& error);

// The key of "Authorization: Bearer KEY" or of Basic's user name; empty when there is none.
std::string ReadKeyOf(const io::HttpRequest& request);

}  // namespace feedmill::serve
