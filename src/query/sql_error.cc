#include "query/sql_error.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

namespace feedmill::query {
namespace {

ErrorKind KindOf(std::string_view exception_type) {
  if (exception_type == "Out of Memory") return ErrorKind::kResourceExhausted;
  if (exception_type == "IO" || exception_type == "Permission") return ErrorKind::kIo;
  if (exception_type == "Interrupt") return ErrorKind::kAborted;
  if (exception_type == "INTERNAL" || exception_type == "FATAL") return ErrorKind::kInternal;
  if (exception_type == "TransactionContext" || exception_type == "Transaction") return ErrorKind::kConflict;
  return ErrorKind::kInvalidArgument;
}

std::optional<size_t> PositionOf(const nlohmann::json& document) {
  auto found = document.find("position");
  if (found == document.end() || !found->is_string()) return std::nullopt;
  const auto& text = found->get_ref<const std::string&>();
  size_t position = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return position;
}

// "a, b, c" of what DuckDB joins by commas, which also stand in calls: max(a, b).
std::string Listed(std::string_view joined) {
  std::string list;
  int depth = 0;
  for (const char c : joined) {
    if (c == '\t' || c == '\n') continue;
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    list += c;
    if (c == ',' && depth == 0) list += ' ';
  }
  return list;
}

// What a message has in quotes, with them.
std::string Quoted(const std::string& message) {
  const size_t begin = message.find('"'), end = message.rfind('"');
  return begin == end ? std::string("one") : message.substr(begin, end + 1 - begin);
}

// The reason by what DuckDB says of the error beside its text; nothing where the text is the best there is.
std::optional<std::string> TypedReason(const nlohmann::json& document) {
  const auto text = [&](const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string name = text("name"), candidates = Listed(text("candidates"));
  const std::string subtype = text("error_subtype");
  if (text("exception_type") == "Permission")
    return fmt::format("found {}, a file or an address; allowed are tables: a query reads nothing else",
                       Quoted(text("exception_message")));
  if (text("exception_type") == "Out of Memory") {  // its first line has the figures, the rest is advice on settings
    const std::string message = text("exception_message");
    return "more memory is needed than there may be used: " + message.substr(0, message.find('\n'));
  }
  if (subtype == "COLUMN_NOT_FOUND" && !name.empty())
    return fmt::format("there is no column \"{}\"{}", name, candidates.empty() ? "" : "; near it: " + candidates);
  if (subtype == "MISSING_ENTRY" && !name.empty()) {
    std::string kind = text("type");
    std::ranges::transform(kind, kind.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return fmt::format("there is no {} \"{}\"{}", kind.empty() ? "entry" : kind, name,
                       candidates.empty() ? "" : "; near it: " + candidates);
  }
  if (subtype == "NO_MATCHING_FUNCTION" && !text("call").empty())
    return fmt::format("no function takes {}; there are: {}", text("call"), candidates);
  return std::nullopt;
}

// DuckDB appends the line and a caret to parser messages; our prefix says the place already.
std::string WithoutExcerpt(std::string message) {
  size_t cut = message.find("\n\nLINE ");
  if (cut != std::string::npos) message.resize(cut);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return message;
}

}  // namespace

TextPosition LocateByte(std::string_view text, size_t position) {
  TextPosition place;
  for (size_t i = 0; i < position && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++place.column;
    }
  }
  return place;
}

Error SqlError(std::string_view raw, std::string_view sql, size_t prefix_bytes) {
  // Some messages have their kind in front of the document: `Parser Error: {"exception_type": ...`.
  size_t begin = raw.find("{\"exception_type\"");
  auto document = nlohmann::json::parse(raw.substr(begin == std::string_view::npos ? 0 : begin), nullptr, false);
  if (!document.is_object() || !document.contains("exception_message")) {
    return Error(ErrorKind::kInvalidArgument, WithoutExcerpt(std::string(raw)));
  }
  std::string type = document.value("exception_type", "");
  std::string message = WithoutExcerpt(document.value("exception_message", ""));
  auto position = PositionOf(document);
  std::string place;
  if (position && *position >= prefix_bytes && *position - prefix_bytes <= sql.size()) {
    TextPosition found = LocateByte(sql, *position - prefix_bytes);
    place = fmt::format("line {}, column {}: ", found.line, found.column);
  }
  if (const auto reason = TypedReason(document)) return Error(KindOf(type), place + *reason);
  return Error(KindOf(type), fmt::format("{}{} error: {}", place, type, message));
}

std::string FirstWord(std::string_view sql) {
  while (true) {
    size_t begin = sql.find_first_not_of(" \t\r\n(");
    if (begin == std::string_view::npos) return "";
    sql.remove_prefix(begin);
    if (!sql.starts_with("--")) break;
    sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
  }
  std::string word;
  for (char c : sql) {
    if (!std::isalpha(static_cast<unsigned char>(c))) break;
    word += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return word;
}

}  // namespace feedmill::query
