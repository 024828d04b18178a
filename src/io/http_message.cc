#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "base/text_encoding.h"
#include "io/gzip.h"
#include "io/http_client.h"
#include "io/http_message_internal.h"

namespace feedmill::io {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view FirstValue(const HttpHeaders& pairs, std::string_view name) {
  auto found = std::ranges::find(pairs, name, &std::pair<std::string, std::string>::first);
  return found == pairs.end() ? std::string_view() : std::string_view(found->second);
}

void ParseQuery(std::string_view text, HttpHeaders* query) {
  while (!text.empty()) {
    size_t end = text.find('&');
    std::string_view piece = text.substr(0, end);
    text = end == std::string_view::npos ? "" : text.substr(end + 1);
    if (piece.empty()) continue;
    size_t equals = piece.find('=');
    std::string_view value = equals == std::string_view::npos ? "" : piece.substr(equals + 1);
    query->emplace_back(PercentDecode(piece.substr(0, equals), true), PercentDecode(value, true));
  }
}

bool IsSafeHeader(std::string_view name, std::string_view value) {
  constexpr std::string_view kBreaking("\r\n\0", 3);
  return !name.empty() && name.find_first_of(kBreaking) == std::string_view::npos &&
         name.find(':') == std::string_view::npos && value.find_first_of(kBreaking) == std::string_view::npos;
}

void AppendHeader(std::string_view name, std::string_view value, std::string* out) {
  if (!IsSafeHeader(name, value)) return;
  out->append(name).append(": ").append(value).append("\r\n");
}

void AppendNumber(size_t value, std::string* out) {
  char digits[20];
  out->append(digits, std::to_chars(digits, std::end(digits), value).ptr);
}

void AppendStart(int status, std::string_view date, std::string* out) {
  out->append("HTTP/1.1 ");
  AppendNumber(static_cast<size_t>(status), out);
  out->append(" ").append(StatusText(status)).append("\r\n");
  AppendHeader("Date", date, out);
}

}  // namespace

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view HttpRequest::Header(std::string_view name) const { return FirstValue(headers, name); }

std::string_view HttpRequest::Query(std::string_view name) const { return FirstValue(query, name); }

std::string_view RepeatedParameter(const HttpRequest& request, std::initializer_list<std::string_view> lists) {
  for (auto later = request.query.begin(); later != request.query.end(); ++later) {
    const bool stood =
        std::any_of(request.query.begin(), later, [&](const auto& earlier) { return earlier.first == later->first; });
    if (stood && std::ranges::find(lists, later->first) == lists.end()) return later->first;
  }
  return {};
}

std::string_view HttpRequest::Credentials(std::string_view scheme) const {
  std::string_view value = Header("authorization");
  size_t space = value.find(' ');
  if (space == std::string_view::npos || !SameIgnoringCase(value.substr(0, space), scheme)) return {};
  value.remove_prefix(std::min(value.find_first_not_of(' ', space), value.size()));
  return value;
}

Status UnpackBody(HttpRequest* request, size_t bytes_max) {
  auto coding = std::ranges::find(request->headers, "content-encoding", &std::pair<std::string, std::string>::first);
  if (coding == request->headers.end()) return Ok();
  FEEDMILL_ASSIGN(request->body, Gunzip(request->body, bytes_max));
  request->headers.erase(coding);
  return Ok();
}

std::string_view HttpReply::Header(std::string_view name) const { return FirstValue(headers, name); }

HttpResponder& HttpResponder::operator=(HttpResponder&& other) noexcept {
  if (this == &other) return *this;
  if (send_) (*this)({.status = 500, .body = R"({"error":"no answer"})"});
  send_ = std::exchange(other.send_, nullptr);
  return *this;
}

HttpResponder::~HttpResponder() {
  if (send_) (*this)({.status = 500, .body = R"({"error":"no answer"})"});
}

void HttpResponder::operator()(HttpResponse&& response) {
  Send send = std::exchange(send_, nullptr);
  if (send) send(std::move(response));
}

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
  }
  return "Status";
}

bool ParseTarget(std::string_view target, HttpRequest* request) {
  if (size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/') && target != "*") return false;
  target = target.substr(0, target.find('#'));
  size_t mark = target.find('?');
  request->path = PercentDecode(target.substr(0, mark));
  if (mark != std::string_view::npos) ParseQuery(target.substr(mark + 1), &request->query);
  return true;
}

bool HasToken(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    size_t comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (SameIgnoringCase(item, token)) return true;
  }
  return false;
}

void AppendResponse(const HttpResponse& response, const ResponseFrame& frame, std::string* out) {
  bool bodiless = response.status == 204 || response.status == 304 || response.status < 200;
  out->reserve(out->size() + response.body.size() + 256);
  AppendStart(response.status, frame.date, out);
  if (!bodiless) {
    if (!response.content_type.empty()) AppendHeader("Content-Type", response.content_type, out);
    out->append("Content-Length: ");
    AppendNumber(response.body.size(), out);
    out->append("\r\n");
  }
  if (frame.close) {
    out->append("Connection: close\r\n");
  } else if (frame.keep_alive_1_0) {
    out->append("Connection: keep-alive\r\n");
  }
  for (const auto& [name, value] : response.headers) AppendHeader(name, value, out);
  out->append("\r\n");
  if (!bodiless && !frame.head) out->append(response.body);
}

void AppendStreamHead(const HttpResponse& response, const ResponseFrame& frame, std::string* out) {
  AppendStart(response.status, frame.date, out);
  AppendHeader("Content-Type", response.content_type, out);
  if (!frame.keep_alive_1_0) out->append("Transfer-Encoding: chunked\r\n");
  out->append("Connection: close\r\n");
  for (const auto& [name, value] : response.headers) AppendHeader(name, value, out);
  out->append("\r\n");
}

std::string FormatHttpDate(int64_t unix_seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t seconds = unix_seconds;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace feedmill::io
