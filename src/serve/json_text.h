// Writing JSON by hand where a document would cost too much: the feed's answer and its row.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/text_encoding.h"

namespace feedmill::serve {

// Appends to a string; the caller keeps braces and commas in order, Key and Element write the comma.
class JsonText {
 public:
  explicit JsonText(std::string* out) : out_(out) {}

  JsonText& Open(char bracket) {
    Comma();
    out_->push_back(bracket);
    return *this;
  }
  JsonText& Close(char bracket) {
    out_->push_back(bracket);
    return *this;
  }
  JsonText& Key(std::string_view key) {
    Comma();
    AppendJsonString(key, out_);
    out_->push_back(':');
    return *this;
  }
  JsonText& Text(std::string_view value) {
    Comma();
    AppendJsonString(value, out_);
    return *this;
  }
  JsonText& Raw(std::string_view json) {
    Comma();
    out_->append(json);
    return *this;
  }
  JsonText& Bool(bool value) { return Raw(value ? "true" : "false"); }
  JsonText& Integer(int64_t value) {
    Comma();
    fmt::format_to(std::back_inserter(*out_), "{}", value);
    return *this;
  }
  // Shortest text that reads back equal; NaN and infinities are null.
  template <typename Number>
  JsonText& Real(Number value) {
    Comma();
    if (!std::isfinite(value)) {
      out_->append("null");
    } else {
      fmt::format_to(std::back_inserter(*out_), "{}", value);
    }
    return *this;
  }
  // With `digits` after the point.
  JsonText& Rounded(double value, int digits) {
    Comma();
    fmt::format_to(std::back_inserter(*out_), "{:.{}f}", std::isfinite(value) ? value : 0.0, digits);
    return *this;
  }

 private:
  void Comma() {
    if (out_->empty()) return;
    const char last = out_->back();
    if (last != '{' && last != '[' && last != ':' && last != ',') out_->push_back(',');
  }

  std::string* out_;
};

}  // namespace feedmill::serve
