#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "ingest/json_fault_internal.h"
#include "ingest/masked_body_internal.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kEndsOfWords = " \t\r\n,]}";
constexpr size_t kNowhere = std::string_view::npos;

size_t EndOfText(std::string_view text, size_t quote) {
  for (size_t at = quote + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return kNowhere;
}

// Walks over JSON by its quotes and brackets alone, so that what is wrong inside of a value does not matter.
class Walk {
 public:
  explicit Walk(std::string_view text) : text_(text) {}

  size_t at() const { return at_; }
  bool Take(char wanted) {
    SkipSpaces();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void SkipSpaces() { at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size()); }

  // The next value as it stands; nothing when it does not end.
  std::optional<std::string_view> Value() {
    SkipSpaces();
    const size_t begin = at_;
    const size_t end = EndOfJsonValue(text_, at_);
    if (end == kNowhere || end == begin) return std::nullopt;
    at_ = end;
    return text_.substr(begin, end - begin);
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

// The messages of a batch, as they stand in it; nothing when they cannot be told apart.
std::optional<std::vector<std::string_view>> Messages(std::string_view body) {
  Walk walk(body);
  if (!walk.Take('{')) return std::nullopt;
  do {
    const auto key = walk.Value();
    if (!key || !walk.Take(':')) return std::nullopt;
    if (*key != "\"batch\"") {
      if (!walk.Value()) return std::nullopt;
      continue;
    }
    if (!walk.Take('[')) return std::nullopt;
    std::vector<std::string_view> messages;
    do {
      const auto message = walk.Value();
      if (!message) return std::nullopt;
      messages.push_back(*message);
    } while (walk.Take(','));
    if (!walk.Take(']')) return std::nullopt;
    return messages;
  } while (walk.Take(','));
  return std::nullopt;
}

class Examination {
 public:
  // Parsed as deep in a batch as it was sent.
  simdjson::error_code Of(std::string_view message) {
    const simdjson::padded_string text(fmt::format("{{\"batch\":[{}]}}", message));
    if (const auto error = parser_.allocate(text.size(), kJsonDepthMax)) return error;
    return parser_.parse(text).error();
  }

 private:
  simdjson::dom::parser parser_;
};

}  // namespace

size_t EndOfJsonValue(std::string_view text, size_t from) {
  if (from >= text.size()) return kNowhere;
  if (text[from] == '"') return EndOfText(text, from);
  if (text[from] != '{' && text[from] != '[') return text.find_first_of(kEndsOfWords, from);
  int depth = 0;
  for (size_t at = from; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      at = EndOfText(text, at);
      if (at == kNowhere) return kNowhere;
      --at;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at + 1;
  }
  return kNowhere;
}

void MaskWithNull(std::string* body, size_t position, size_t length) {
  body->replace(position, length, length, ' ');
  body->replace(position, kNullBytes, "null");
}

std::optional<MaskedBody> MaskBrokenMessages(std::string_view body) {
  const auto messages = Messages(body);
  if (!messages) return std::nullopt;
  MaskedBody masked{std::string(body), {}};
  Examination examination;
  for (size_t index = 0; index < messages->size(); ++index) {
    const std::string_view message = (*messages)[index];
    const simdjson::error_code error = examination.Of(message);
    if (error == simdjson::MEMALLOC) return std::nullopt;
    if (!error) continue;
    if (message.size() < kNullBytes) return std::nullopt;
    const auto wide = error == simdjson::NUMBER_ERROR ? MaskWideNumbers(message, true) : std::nullopt;
    const size_t position = static_cast<size_t>(message.data() - body.data());
    if (wide && !examination.Of(wide->body)) {
      masked.body.replace(position, wide->body.size(), wide->body);
      masked.by_message[index] = wide->by_message.at(0);
      continue;
    }
    MaskWithNull(&masked.body, position, message.size());
    masked.by_message[index] = {fmt::format("the message is no JSON: {}", JsonFault(error)), "", "malformed_json",
                                std::string(message)};
  }
  if (masked.by_message.empty()) return std::nullopt;
  return masked;
}

}  // namespace feedmill::ingest
