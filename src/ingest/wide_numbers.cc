#include "ingest/masked_body_internal.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <simdjson.h>

#include "ingest/message_reader_internal.h"

namespace feedmill::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kShownBytesMax = 40;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Length of the JSON number that `text` begins with; 0 when it begins with none.
size_t NumberLength(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    size_t from = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return at > from;
  };
  const size_t first = at;
  if (!digits() || (text[first] == '0' && at > first + 1)) return 0;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits()) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return 0;
  }
  return at;
}

bool IsWide(std::string_view number) {
  const char* end = number.data() + number.size();
  if (number.find_first_of(".eE") == std::string_view::npos) {
    int64_t negative = 0;
    uint64_t positive = 0;
    const auto read = number.starts_with('-') ? std::from_chars(number.data(), end, negative)
                                              : std::from_chars(number.data(), end, positive);
    return read.ec == std::errc::result_out_of_range;
  }
  double real = 0;
  const auto read = std::from_chars(number.data(), end, real);
  // Too small a number is out of range too, and is read as 0.
  return read.ec == std::errc::result_out_of_range && std::isinf(std::strtod(std::string(number).c_str(), nullptr));
}

class Masking {
 public:
  Masking(const simdjson::padded_string& text, MaskedBody* out) : text_(text), out_(*out) {}

  // False: the body is broken in other ways too.
  bool Body(ondemand::document& document, bool single) {
    ondemand::object root;
    if (document.get_object().get(root) != simdjson::SUCCESS) return false;
    if (single) BeginMessage(0, 0);
    for (auto member : root) {
      std::string_view key;
      ondemand::value value;
      if (member.unescaped_key().get(key) != simdjson::SUCCESS || member.value().get(value) != simdjson::SUCCESS)
        return false;
      const bool good = !single && key == "batch" ? Batch(value) : Value(value, single ? std::string(key) : "", 1);
      if (!good) return false;
    }
    return true;
  }

 private:
  bool Batch(ondemand::value& value) {
    ondemand::array batch;
    if (value.get_array().get(batch) != simdjson::SUCCESS) return true;  // refused by whoever reads it
    size_t index = 0;
    for (auto item : batch) {
      ondemand::value message;
      if (item.get(message) != simdjson::SUCCESS) return false;
      BeginMessage(index++, Position(message));
      if (!Value(message, "", 2)) return false;
      message_.reset();
    }
    return true;
  }

  void BeginMessage(size_t index, size_t position) {
    message_ = index;
    begin_ = position;
  }

  bool Value(ondemand::value& value, const std::string& path, int depth) {
    ondemand::json_type type;
    if (depth > kJsonDepthMax || value.type().get(type) != simdjson::SUCCESS) return false;
    if (type == ondemand::json_type::object) return Object(value, path, depth);
    if (type == ondemand::json_type::array) return Array(value, path, depth);
    if (type == ondemand::json_type::number) Number(Position(value), path);
    return true;
  }

  bool Object(ondemand::value& value, const std::string& path, int depth) {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    for (auto member : object) {
      std::string_view key;
      ondemand::value inner;
      if (member.unescaped_key().get(key) != simdjson::SUCCESS || member.value().get(inner) != simdjson::SUCCESS)
        return false;
      const std::string name = path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
      if (!Value(inner, name, depth + 1)) return false;
    }
    return true;
  }

  bool Array(ondemand::value& value, const std::string& path, int depth) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return false;
    size_t index = 0;
    for (auto item : array) {
      ondemand::value inner;
      if (item.get(inner) != simdjson::SUCCESS) return false;
      if (!Value(inner, fmt::format("{}[{}]", path, index++), depth + 1)) return false;
    }
    return true;
  }

  void Number(size_t position, const std::string& path) {
    const std::string_view whole = text_;
    const std::string_view number = whole.substr(position, NumberLength(whole.substr(position)));
    if (number.size() < kNullBytes || !IsWide(number)) return;
    MaskWithNull(&out_.body, position, number.size());
    if (!message_ || out_.by_message.contains(*message_)) return;
    const bool integer = number.find_first_of(".eE") == std::string_view::npos;
    std::string reason = fmt::format("found {}{}, allowed is {}", CutText(number, kShownBytesMax),
                                     number.size() > kShownBytesMax ? "..." : "",
                                     integer ? "an integer of 64 bits" : "a number of at most 1.8e308");
    const std::string_view raw = whole.substr(begin_, EndOfJsonValue(whole, begin_) - begin_);
    out_.by_message[*message_] = {std::move(reason), path, "number_out_of_range", std::string(raw)};
  }

  template <typename T>
  size_t Position(T& value) const {
    return static_cast<size_t>(value.raw_json_token().data() - text_.data());
  }

  const simdjson::padded_string& text_;
  MaskedBody& out_;
  std::optional<size_t> message_;  // index of the one that is being read
  size_t begin_ = 0;               // where it begins
};

}  // namespace

std::optional<MaskedBody> MaskWideNumbers(std::string_view body, bool single) {
  const simdjson::padded_string padded(body);
  MaskedBody wide{std::string(body), {}};
  ondemand::parser parser;
  ondemand::document document;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (!Masking(padded, &wide).Body(document, single) || wide.body == body) return std::nullopt;
  return wide;
}

}  // namespace feedmill::ingest
