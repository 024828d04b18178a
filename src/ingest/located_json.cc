#include <algorithm>
#include <simdjson.h>

#include "ingest/json_fault_internal.h"
#include "ingest/located_json_internal.h"

namespace feedmill::ingest {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kBytesMax = 1 << 20;
constexpr int kDepthMax = 16;

class Reader {
 public:
  explicit Reader(const simdjson::padded_string& text) : text_(text) {}

  // simdjson reads forward only: `line_` follows the last place asked for.
  int LineAt(const char* place) {
    for (; cursor_ < place; ++cursor_) line_ += *cursor_ == '\n' ? 1 : 0;
    return line_;
  }

  int line() const { return line_; }

  Status ReadValue(ondemand::value value, int depth, LocatedJson* out) {
    out->line = LineAt(value.raw_json_token().data());
    return ReadAny(value, depth, out);
  }

  template <typename Value>
  Status ReadAny(Value& value, int depth, LocatedJson* out) {
    if (depth > kDepthMax) return InvalidArgument("nested deeper than {} levels", kDepthMax);
    ondemand::json_type type;
    if (auto error = value.type().get(type)) return Fault(error);
    switch (type) {
      case ondemand::json_type::object:
        return ReadObject(value, depth, out);
      case ondemand::json_type::array:
        return ReadArray(value, depth, out);
      case ondemand::json_type::number:
        return ReadNumber(value, out);
      case ondemand::json_type::string:
        return ReadString(value, out);
      case ondemand::json_type::boolean:
        out->kind = LocatedJson::Kind::kBoolean;
        if (auto error = value.get_bool().get(out->boolean)) return Fault(error);
        out->text = out->boolean ? "true" : "false";
        return Ok();
      case ondemand::json_type::null:
        break;
    }
    out->text = "null";
    bool is_null = false;
    if (auto error = simdjson::simdjson_result<bool>(value.is_null()).get(is_null)) return Fault(error);
    return is_null ? Ok() : Fault(simdjson::N_ATOM_ERROR);
  }

 private:
  static Status Fault(simdjson::error_code error) { return InvalidArgument("{}", JsonFault(error)); }

  template <typename Value>
  Status ReadNumber(Value& value, LocatedJson* out) {
    out->kind = LocatedJson::Kind::kNumber;
    if (auto error = value.get_double().get(out->number)) return Fault(error);
    out->text = fmt::format("{}", out->number);
    return Ok();
  }

  template <typename Value>
  Status ReadString(Value& value, LocatedJson* out) {
    out->kind = LocatedJson::Kind::kString;
    std::string_view text;
    if (auto error = value.get_string().get(text)) return Fault(error);
    out->text = text;
    return Ok();
  }

  template <typename Value>
  Status ReadArray(Value& value, int depth, LocatedJson* out) {
    out->kind = LocatedJson::Kind::kArray;
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return Fault(error);
    for (auto element : array) {
      ondemand::value item;
      if (auto error = element.get(item)) return Fault(error);
      FEEDMILL_TRY(ReadValue(item, depth + 1, &out->items.emplace_back()));
    }
    return Ok();
  }

  template <typename Value>
  Status ReadObject(Value& value, int depth, LocatedJson* out) {
    out->kind = LocatedJson::Kind::kObject;
    ondemand::object object;
    if (auto error = value.get_object().get(object)) return Fault(error);
    for (auto element : object) {
      ondemand::field field;
      if (auto error = std::move(element).get(field)) return Fault(error);
      int line = LineAt(field.key().raw());
      std::string_view name;
      if (auto error = field.unescaped_key().get(name)) return Fault(error);
      auto same = [&](const auto& member) { return member.name == name; };
      if (std::ranges::any_of(out->members, same)) return InvalidArgument("'{}' is given twice", name);
      auto& member = out->members.emplace_back(LocatedJson::Member{std::string(name), line, {}});
      FEEDMILL_TRY(ReadValue(field.value(), depth + 1, &member.value));
    }
    return Ok();
  }

  const simdjson::padded_string& text_;
  const char* cursor_ = text_.data();
  int line_ = 1;
};

}  // namespace

Result<LocatedJson> ParseLocatedJson(std::string_view text) {
  if (text.size() > kBytesMax)
    return InvalidArgument("line 1: {} bytes, at most {} are allowed", text.size(), kBytesMax);
  simdjson::padded_string padded(text);
  ondemand::parser parser;
  ondemand::document document;
  Reader reader(padded);
  LocatedJson root;
  if (auto error = parser.iterate(padded).get(document)) {
    return InvalidArgument("line 1: {}", JsonFault(error));
  }
  Status read = reader.ReadAny(document, 0, &root);
  // Where the parser stands: at the fault or shortly before it, or out of bounds when all was read.
  const char* place = nullptr;
  bool at_end = document.current_location().get(place) != simdjson::SUCCESS;
  if (read && !at_end) read = InvalidArgument("something stands behind the end of the document");
  if (read) return root;
  if (!at_end) reader.LineAt(std::min<const char*>(place, padded.data() + padded.size()));
  return InvalidArgument("line {}: {}", reader.line(), read.error().message());
}

}  // namespace feedmill::ingest
