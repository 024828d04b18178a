// Which pages in browsers may use this server: CORS (the Fetch standard, section 3.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/http_server.h"

namespace feedmill::app {

class BrowserAccess {
 public:
  BrowserAccess() = default;
  // "https://app.example", "http://localhost:3000", "http://localhost:*" (any port, or none), "*" (all).
  // kInvalidArgument names the one that is none of these.
  static Result<BrowserAccess> Make(const std::vector<std::string>& allowed_origins);

  // Any thread.
  bool Allows(std::string_view origin) const;
  // The answer to the question that a browser asks before it sends a request like this one; nothing when this is no
  // such question.
  std::optional<io::HttpResponse> AnswerPreflight(const io::HttpRequest& request) const;
  // Whatever is answered to this request, the page may read it, if its origin is allowed.
  io::HttpResponder LetRead(const io::HttpRequest& request, io::HttpResponder&& respond) const;
  void LetRead(const io::HttpRequest& request, io::HttpResponse* response) const;

 private:
  std::vector<std::string> origins_;  // lower case
};

}  // namespace feedmill::app
