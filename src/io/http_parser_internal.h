// Incremental parsers of HTTP/1.1 messages (Beast's, which stays inside the .cc), filling our own plain structs. One
// thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "io/http_client.h"
#include "io/http_server.h"

namespace feedmill::io {

struct HttpParserLimits {
  size_t header_bytes_max = 16 * 1024;
  size_t body_bytes_max = 5 * 1024 * 1024;
};

// Why a message was refused: the status to answer and a text for people.
struct HttpParseFailure {
  int status = 0;  // 0 = none
  std::string message;
};

class HttpRequestParser {
 public:
  explicit HttpRequestParser(const HttpParserLimits& limits);
  ~HttpRequestParser();

  // Takes what it can of `bytes` and returns how much that was. What it left must stand in front of the bytes of the
  // next call (a header is taken only as a whole). Takes nothing once Complete() or failed.
  size_t Feed(std::string_view bytes);
  bool HeaderDone() const;
  bool Complete() const;
  const HttpParseFailure& failure() const;

  // Valid from HeaderDone() on.
  bool KeepAlive() const;
  bool Http10() const;
  bool ExpectsContinue() const;
  bool IsHead() const;
  size_t BodyBytes() const;

  // Valid when Complete(); remote_address is left empty. A target that is no path fails here: then failure().status is
  // set and the request is empty.
  HttpRequest TakeRequest();
  // What was read of a message that failed or will not be waited for; its path is empty when that was not read.
  HttpRequest TakeRefused();
  // Ready for the next message.
  void Reset();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class HttpReplyParser {
 public:
  // `head`: the reply has no body whatever its headers say.
  HttpReplyParser(const HttpParserLimits& limits, bool head);
  ~HttpReplyParser();

  size_t Feed(std::string_view bytes);
  // The peer closed: completes a body without a length.
  void FeedEnd();
  bool Complete() const;
  bool KeepAlive() const;
  const HttpParseFailure& failure() const;
  HttpReply TakeReply();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace feedmill::io
