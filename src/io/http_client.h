// Blocking HTTP/1.1 client with one keep-alive connection. One thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "base/result.h"

namespace feedmill::io {

struct HttpReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string_view Header(std::string_view lower_case_name) const;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Sends and waits for the whole reply. Reconnects when the kept connection was closed before any byte of the reply
  // came. Any HTTP status is a success here; errors are kUnavailable (refused, cut) and kDeadlineExceeded.
  virtual Result<HttpReply> Send(std::string_view method, std::string_view target,
                                 const std::vector<std::pair<std::string, std::string>>& headers, std::string_view body,
                                 Deadline deadline) = 0;
};

// `url` is http://host:port or https://host:port (no path). The certificate of an https server must be of that host,
// and vouched for by an authority of the system, or of the files that SSL_CERT_FILE and SSL_CERT_DIR name; TLS 1.3.
Result<std::unique_ptr<HttpClient>> MakeHttpClient(std::string_view url);

}  // namespace feedmill::io
