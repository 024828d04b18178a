// Any bytes in pieces of any size: parsing ends without harm, within its limits, and the pieces make no difference.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "io/http_parser_internal.h"

namespace {

using feedmill::io::HttpRequest;
using feedmill::io::HttpRequestParser;

constexpr feedmill::io::HttpParserLimits kLimits = {.header_bytes_max = 512, .body_bytes_max = 256};

HttpRequest Parse(std::string_view bytes, size_t piece, int* status) {
  HttpRequestParser parser(kLimits);
  std::string kept;
  while (!bytes.empty() && !parser.Complete() && parser.failure().status == 0) {
    kept.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    size_t taken = parser.Feed(kept);
    if (taken > kept.size()) std::abort();
    kept.erase(0, taken);
  }
  HttpRequest request;
  if (parser.Complete()) request = parser.TakeRequest();
  *status = parser.failure().status;
  return request;
}

void ParseReply(std::string_view bytes) {
  feedmill::io::HttpReplyParser parser(kLimits, false);
  parser.Feed(bytes);
  parser.FeedEnd();
  if (parser.Complete() && parser.TakeReply().body.size() > kLimits.body_bytes_max) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  int whole_status = 0, pieces_status = 0;
  HttpRequest whole = Parse(bytes, bytes.size() + 1, &whole_status);
  HttpRequest pieces = Parse(bytes, static_cast<size_t>(data[0]) + 1, &pieces_status);
  if (whole.body.size() > kLimits.body_bytes_max) std::abort();
  bool both_good = whole_status == 0 && pieces_status == 0 && !whole.method.empty() && !pieces.method.empty();
  if (both_good && (whole.path != pieces.path || whole.body != pieces.body || whole.headers != pieces.headers))
    std::abort();
  if (feedmill::io::UnpackBody(&whole, kLimits.body_bytes_max) && whole.body.size() > kLimits.body_bytes_max)
    std::abort();
  ParseReply(bytes);
  return 0;
}
