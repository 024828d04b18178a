#include <algorithm>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>

#include "io/http_message_internal.h"
#include "io/http_parser_internal.h"

namespace feedmill::io {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using View = boost::beast::string_view;

// A length in a header may promise much: room is made only for what is likely, the rest when it comes.
constexpr uint64_t kBodyReserveMax = 64 * 1024;
constexpr size_t kHeadersReserve = 12;

std::string_view Std(View view) { return {view.data(), view.size()}; }

std::string LowerCase(View name) {
  std::string lower(name.data(), name.size());
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// What requests and replies share: headers and body into the message.
template <bool kIsRequest, typename Message>
class Collector : public http::basic_parser<kIsRequest> {
 public:
  Message message;
  int version = 11;
  std::string target;

  Collector(const HttpParserLimits& limits) {
    this->header_limit(static_cast<uint32_t>(limits.header_bytes_max));
    this->body_limit(limits.body_bytes_max);
    this->eager(true);
  }

 protected:
  void on_request_impl(http::verb, View method, View target_text, int found_version, error_code& error) override {
    error = {};
    version = found_version;
    target.assign(target_text.data(), target_text.size());
    if constexpr (kIsRequest) message.method.assign(method.data(), method.size());
  }
  void on_response_impl(int status, View, int found_version, error_code& error) override {
    error = {};
    version = found_version;
    if constexpr (!kIsRequest) message.status = status;
  }
  void on_field_impl(http::field, View name, View value, error_code& error) override {
    error = {};
    if (message.headers.empty()) message.headers.reserve(kHeadersReserve);
    message.headers.emplace_back(LowerCase(name), Std(value));
  }
  void on_header_impl(error_code& error) override { error = {}; }
  void on_body_init_impl(const boost::optional<uint64_t>& length, error_code& error) override {
    error = {};
    if (length) message.body.reserve(std::min(*length, kBodyReserveMax));
  }
  size_t on_body_impl(View body, error_code& error) override {
    error = {};
    message.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(uint64_t, View, error_code& error) override { error = {}; }
  size_t on_chunk_body_impl(uint64_t, View body, error_code& error) override { return on_body_impl(body, error); }
  void on_finish_impl(error_code& error) override { error = {}; }
};

HttpParseFailure FailureOf(const error_code& error, const HttpParserLimits& limits) {
  if (error == http::error::header_limit) {
    return {431, fmt::format("request header: found more than {} bytes", limits.header_bytes_max)};
  }
  if (error == http::error::body_limit) {
    return {413, fmt::format("request body: found more than {} bytes", limits.body_bytes_max)};
  }
  if (error == http::error::bad_version) return {505, "HTTP version: allowed HTTP/1.0 and HTTP/1.1"};
  return {400, "not HTTP: " + error.message()};
}

// Feeds one of Beast's parsers until it wants more, is done, or fails.
template <typename Parser>
size_t FeedParser(Parser* parser, std::string_view bytes, const HttpParserLimits& limits, HttpParseFailure* failure) {
  size_t taken = 0;
  while (failure->status == 0 && !parser->is_done() && taken < bytes.size()) {
    error_code error;
    size_t step = parser->put(boost::asio::const_buffer(bytes.data() + taken, bytes.size() - taken), error);
    taken += step;
    if (error == http::error::need_more) break;
    if (error) *failure = FailureOf(error, limits);
    if (step == 0) break;
  }
  return taken;
}

using RequestCollector = Collector<true, HttpRequest>;
using ReplyCollector = Collector<false, HttpReply>;

// RFC 9110, 8.4.1: names of codings have no case, and x-gzip is gzip.
bool IsContentCoding(std::string_view value) {
  return SameIgnoringCase(value, "gzip") || SameIgnoringCase(value, "x-gzip") || SameIgnoringCase(value, "identity");
}

bool IsIdentity(const std::pair<std::string, std::string>& header) {
  return header.first == "content-encoding" && SameIgnoringCase(header.second, "identity");
}

// What Beast does not check: RFC 9112 sections 3.2 (Host), 6.1 (transfer codings: we decode chunked and nothing else,
// so a body in another coding must not be taken for the content).
HttpParseFailure CheckHeader(RequestCollector& parser) {
  auto is_host = [](const auto& header) { return header.first == "host"; };
  auto hosts = std::ranges::count_if(parser.message.headers, is_host);
  if (hosts > 1 || (hosts == 0 && parser.version >= 11))
    return {400, fmt::format("Host header: found {}, allowed one", hosts)};
  int transfer_codings = 0, content_codings = 0;
  for (const auto& [name, value] : parser.message.headers) {
    if (name == "transfer-encoding" && (++transfer_codings > 1 || !SameIgnoringCase(value, "chunked")))
      return {501, fmt::format("Transfer-Encoding: found '{}', allowed chunked, once", value)};
    if (name == "content-encoding" && (++content_codings > 1 || !IsContentCoding(value)))
      return {415, fmt::format("Content-Encoding: found '{}', allowed gzip or identity, once", value)};
  }
  if (content_codings > 0) std::erase_if(parser.message.headers, IsIdentity);
  return {};
}

}  // namespace

struct HttpRequestParser::Impl {
  HttpParserLimits limits;
  std::optional<RequestCollector> parser;
  HttpParseFailure failure;
  bool header_checked = false;
};

HttpRequestParser::HttpRequestParser(const HttpParserLimits& limits)
    : impl_(std::make_unique<Impl>(Impl{limits, {}, {}, false})) {
  Reset();
}

HttpRequestParser::~HttpRequestParser() = default;

void HttpRequestParser::Reset() {
  impl_->parser.emplace(impl_->limits);
  impl_->failure = {};
  impl_->header_checked = false;
}

size_t HttpRequestParser::Feed(std::string_view bytes) {
  size_t taken = FeedParser(&*impl_->parser, bytes, impl_->limits, &impl_->failure);
  if (impl_->failure.status == 0 && HeaderDone() && !impl_->header_checked) {
    impl_->header_checked = true;
    impl_->failure = CheckHeader(*impl_->parser);
  }
  return taken;
}

bool HttpRequestParser::HeaderDone() const { return impl_->parser->is_header_done(); }
bool HttpRequestParser::Complete() const { return impl_->failure.status == 0 && impl_->parser->is_done(); }
const HttpParseFailure& HttpRequestParser::failure() const { return impl_->failure; }
bool HttpRequestParser::KeepAlive() const { return impl_->parser->keep_alive(); }
bool HttpRequestParser::Http10() const { return impl_->parser->version < 11; }
bool HttpRequestParser::IsHead() const { return impl_->parser->message.method == "HEAD"; }
size_t HttpRequestParser::BodyBytes() const { return impl_->parser->message.body.size(); }

bool HttpRequestParser::ExpectsContinue() const {
  return !Http10() && HasToken(impl_->parser->message.Header("expect"), "100-continue");
}

HttpRequest HttpRequestParser::TakeRequest() {
  HttpRequest request = std::move(impl_->parser->message);
  if (!ParseTarget(impl_->parser->target, &request)) {
    impl_->failure = {400, "request target: found neither a path nor an absolute URL"};
    return {};
  }
  return request;
}

HttpRequest HttpRequestParser::TakeRefused() {
  HttpRequest request = std::move(impl_->parser->message);
  request.body.clear();
  if (!ParseTarget(impl_->parser->target, &request)) request.path.clear();
  return request;
}

struct HttpReplyParser::Impl {
  HttpParserLimits limits;
  ReplyCollector parser;
  HttpParseFailure failure;
};

HttpReplyParser::HttpReplyParser(const HttpParserLimits& limits, bool head)
    : impl_(new Impl{limits, ReplyCollector(limits), {}}) {
  impl_->parser.skip(head);
}

HttpReplyParser::~HttpReplyParser() = default;

size_t HttpReplyParser::Feed(std::string_view bytes) {
  return FeedParser(&impl_->parser, bytes, impl_->limits, &impl_->failure);
}

void HttpReplyParser::FeedEnd() {
  error_code error;
  if (!impl_->parser.is_header_done()) error = http::error::end_of_stream;
  if (!error && !impl_->parser.is_done()) impl_->parser.put_eof(error);
  if (error && impl_->failure.status == 0) impl_->failure = FailureOf(error, impl_->limits);
}

bool HttpReplyParser::Complete() const { return impl_->failure.status == 0 && impl_->parser.is_done(); }
bool HttpReplyParser::KeepAlive() const { return impl_->parser.keep_alive(); }
const HttpParseFailure& HttpReplyParser::failure() const { return impl_->failure; }
HttpReply HttpReplyParser::TakeReply() { return std::move(impl_->parser.message); }

}  // namespace feedmill::io
