#include "warehouse/model_file.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <set>

#include "base/units.h"

namespace feedmill::warehouse {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;
constexpr size_t kHeaderLinesMax = 200;
constexpr int kBatchMax = 366;
constexpr Micros kLastDaysMax = 3650 * kMicrosPerDay;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    size_t end = text.find(separator);
    std::string_view part = Trim(text.substr(0, end));
    if (!part.empty()) parts.push_back(part);
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool IsName(std::string_view text) {
  if (text.empty() || text.size() > 128 || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// "1 day", "2 days", "12h", "0d".
Result<Micros> ParseSpan(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::vector<std::string_view> words = Split(text, ' ');
  std::string compact(text);
  if (words.size() == 2 && (words[1] == "day" || words[1] == "days")) compact = std::string(words[0]) + "d";
  if (words.size() == 2 && (words[1] == "hour" || words[1] == "hours")) compact = std::string(words[0]) + "h";
  FEEDMILL_ASSIGN(Micros span, ParseDuration(compact));
  return negative ? -span : span;
}

// Reads one header; each key has a function, so that the list of allowed keys is the code.
class HeaderParser {
 public:
  HeaderParser(std::string_view file, Model* model) : file_(file), model_(*model) {}

  Status Line(int line, std::string_view text) {
    size_t colon = text.find(':');
    if (colon == std::string_view::npos) return Wrong(line, "header line without a colon: '{}'", text);
    std::string key(Trim(text.substr(0, colon)));
    std::string_view value = Trim(text.substr(colon + 1));
    auto handler = Handlers().find(key);
    if (handler == Handlers().end()) return Wrong(line, "unknown header key '{}'; allowed: {}", key, AllowedKeys());
    if (value.empty()) return Wrong(line, "header key '{}' has no value", key);
    bool may_repeat = key == "doc" || key == "reads";
    if (!seen_.insert(key).second && !may_repeat) return Wrong(line, "header key '{}' is given twice", key);
    line_ = line;
    return handler->second(*this, value);
  }

  Status Finish(int line) {
    line_ = line;
    for (const char* key : {"model", "doc"}) FEEDMILL_TRY(Require(key));
    if (HasSql(model_)) {
      for (const char* key : {"materialize", "timeout", "key"}) FEEDMILL_TRY(Require(key));
    }
    if (model_.materialization == Materialization::kNative) {
      for (const char* key : {"depends", "timeout"}) FEEDMILL_TRY(Require(key));
    }
    FEEDMILL_TRY(CheckLast());
    if (model_.materialization == Materialization::kIncremental) return CheckIncremental();
    return Ok();
  }

 private:
  using Handler = std::function<Status(HeaderParser&, std::string_view)>;

  static const std::map<std::string, Handler>& Handlers() {
    static const std::map<std::string, Handler> handlers = {{"model", &HeaderParser::Name},
                                                            {"doc", &HeaderParser::Doc},
                                                            {"partition", &HeaderParser::Partition},
                                                            {"materialize", &HeaderParser::Materialize},
                                                            {"interval", &HeaderParser::Interval},
                                                            {"batch", &HeaderParser::Batch},
                                                            {"lookback", &HeaderParser::Lookback},
                                                            {"reads", &HeaderParser::Reads},
                                                            {"key", &HeaderParser::Key},
                                                            {"memory", &HeaderParser::Memory},
                                                            {"timeout", &HeaderParser::Timeout},
                                                            {"native", &HeaderParser::Native},
                                                            {"depends", &HeaderParser::Depends},
                                                            {"external", &HeaderParser::External},
                                                            {"columns", &HeaderParser::Columns}};
    return handlers;
  }

  static std::string AllowedKeys() {
    std::string keys;
    for (const auto& [key, handler] : Handlers()) keys += (keys.empty() ? "" : ", ") + key;
    return keys;
  }

  template <typename... Args>
  std::unexpected<Error> Wrong(int line, fmt::format_string<Args...> format, Args&&... args) const {
    return InvalidArgument("{}:{}: {}", file_, line, fmt::format(format, std::forward<Args>(args)...));
  }

  Status Require(const std::string& key) const {
    if (seen_.contains(key)) return Ok();
    return Wrong(line_, "header key '{}' is missing; a model's header begins the file with lines '-- key: value'", key);
  }

  // Which days are the last ones moves with the data: nothing for intervals that are kept.
  Status CheckLast() const {
    for (const InputWindow& input : model_.reads) {
      if (input.last_days == 0 || model_.materialization == Materialization::kFull) continue;
      return Wrong(input.line,
                   "'reads: {}.{} last ...' stands in a model that is not full; allowed: a span before @start",
                   input.table, input.column);
    }
    return Ok();
  }

  Status CheckIncremental() const {
    bool timed = std::ranges::any_of(model_.reads, [](const InputWindow& input) { return !input.column.empty(); });
    if (!timed)
      return Wrong(line_,
                   "an incremental model needs one line 'reads: TABLE.TIME_COLUMN FROM TO', e.g. 'reads: "
                   "ods_event.event_time 0d 0d'");
    if (model_.partition.size() != 1 || model_.partition[0].transform != lake::Transform::kDay ||
        model_.interval % kMicrosPerDay != 0) {
      return Wrong(line_, "an incremental model needs 'partition: day(COLUMN)' and an interval of whole days");
    }
    return Ok();
  }

  Status Name(std::string_view value) {
    if (!IsName(value) || value.find('_') == std::string_view::npos) {
      return Wrong(
          line_,
          "model name '{}'; allowed: small letters, digits and _, beginning with the layer, e.g. dwd_user_action",
          value);
    }
    model_.name = value;
    return Ok();
  }
  Status Doc(std::string_view value) {
    model_.doc += (model_.doc.empty() ? "" : "\n") + std::string(value);
    return Ok();
  }
  Status Partition(std::string_view value) {
    if (value == "none") return Ok();
    for (std::string_view part : Split(value, ',')) {
      size_t open = part.find('(');
      lake::PartitionField field;
      if (open == std::string_view::npos || !part.ends_with(')')) return WrongPartition(value);
      std::string_view transform = Trim(part.substr(0, open));
      field.column = Trim(part.substr(open + 1, part.size() - open - 2));
      if (transform == "day") {
        field.transform = lake::Transform::kDay;
      } else if (transform == "hour") {
        field.transform = lake::Transform::kHour;
      } else {
        return WrongPartition(value);
      }
      if (!IsName(field.column)) return WrongPartition(value);
      model_.partition.push_back(std::move(field));
    }
    return Ok();
  }
  Status WrongPartition(std::string_view value) const {
    return Wrong(line_, "partition '{}'; allowed: none, day(COLUMN), hour(COLUMN)", value);
  }
  Status Materialize(std::string_view value) {
    static const std::map<std::string_view, Materialization> kinds = {{"full", Materialization::kFull},
                                                                      {"incremental", Materialization::kIncremental},
                                                                      {"append", Materialization::kAppend}};
    auto found = kinds.find(value);
    if (found == kinds.end()) return Wrong(line_, "materialize '{}'; allowed: full, incremental, append", value);
    return SetKind(found->second);
  }
  // A file has one of materialize, native, external.
  Status SetKind(Materialization kind) {
    if (kind_set_) return Wrong(line_, "a model has one of the keys materialize, native, external");
    kind_set_ = true;
    model_.materialization = kind;
    return Ok();
  }
  Status Native(std::string_view value) {
    model_.native = value;
    return SetKind(Materialization::kNative);
  }
  Status External(std::string_view) { return SetKind(Materialization::kExternal); }

  Status Span(std::string_view key, std::string_view value, Micros* out) const {
    auto span = ParseSpan(value);
    if (!span || *span < 0) return Wrong(line_, "{} '{}'; allowed: a span such as '1 day', '7d', '12h'", key, value);
    *out = *span;
    return Ok();
  }
  Status Interval(std::string_view value) {
    FEEDMILL_TRY(Span("interval", value, &model_.interval));
    if (model_.interval <= 0) return Wrong(line_, "interval '{}'; allowed: longer than nothing", value);
    return Ok();
  }
  Status Lookback(std::string_view value) { return Span("lookback", value, &model_.lookback); }
  Status Timeout(std::string_view value) { return Span("timeout", value, &model_.timeout); }
  Status Batch(std::string_view value) {
    std::string_view number = value.substr(0, value.find(' '));
    int count = 0;
    auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), count);
    if (code != std::errc() || end != number.data() + number.size() || count < 1 || count > kBatchMax) {
      return Wrong(line_, "batch '{}'; allowed: a number of intervals from 1 to {}", value, kBatchMax);
    }
    model_.batch = count;
    return Ok();
  }
  Status Memory(std::string_view value) {
    auto bytes = ParseByteSize(value);
    if (!bytes) return Wrong(line_, "memory '{}'; allowed: a size such as 512MiB or 2GiB", value);
    model_.memory_bytes_max = *bytes;
    return Ok();
  }
  Status Names(std::string_view key, std::string_view value, std::vector<std::string>* out) const {
    for (std::string_view name : Split(value, ',')) {
      if (!IsName(name))
        return Wrong(line_, "{}: '{}' is no name; allowed: small letters, digits and _, joined by commas", key, name);
      out->emplace_back(name);
    }
    return Ok();
  }
  Status Key(std::string_view value) { return Names("key", value, &model_.key); }
  Status Depends(std::string_view value) { return Names("depends", value, &model_.depends); }

  Status Columns(std::string_view value) {
    for (std::string_view part : Split(value, ',')) {
      std::vector<std::string_view> words = Split(part, ' ');
      auto type = words.size() == 2 ? ColumnTypeFromSqlName(words[1]) : std::nullopt;
      if (!type || !IsName(words[0]))
        return Wrong(line_, "columns: '{}'; allowed: NAME TYPE, e.g. 'user_key BIGINT, user_id VARCHAR'", part);
      Column column;
      column.name = words[0];
      column.type = *type;
      model_.columns.push_back(std::move(column));
    }
    return Ok();
  }

  Status Reads(std::string_view value) {
    std::vector<std::string_view> words = Split(value, ' ');
    InputWindow input;
    input.line = line_;
    size_t point = words[0].find('.');
    input.table = words[0].substr(0, point);
    if (point != std::string_view::npos) input.column = words[0].substr(point + 1);
    if (!IsName(input.table) || (point != std::string_view::npos && !IsName(input.column))) return WrongReads(value);
    if (words.size() == 3 && words[1] == "last") {
      auto span = ParseSpan(words[2]);
      if (!span || input.column.empty() || *span < kMicrosPerDay || *span % kMicrosPerDay != 0 || *span > kLastDaysMax)
        return WrongReads(value);
      input.last_days = static_cast<int>(*span / kMicrosPerDay);
      words.clear();
    }
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "stable") {
        input.stable = true;
      } else if (words[i] == "self") {
        input.self = true;
      } else if (input.column.empty() || i > 2) {
        return WrongReads(value);
      } else {
        auto span = ParseSpan(words[i]);
        if (!span) return WrongReads(value);
        if (i == 1) input.before = *span;
        if (i == 2) input.after = *span;
      }
    }
    model_.reads.push_back(std::move(input));
    return Ok();
  }
  Status WrongReads(std::string_view value) const {
    return Wrong(line_,
                 "reads '{}'; allowed: TABLE, TABLE stable, TABLE self, TABLE.TIME_COLUMN [FROM [TO]] with spans such "
                 "as -7d 0d, "
                 "and of a full model TABLE.TIME_COLUMN last 14d",
                 value);
  }

  std::string_view file_;
  Model& model_;
  std::set<std::string> seen_;
  bool kind_set_ = false;
  int line_ = 0;
};

}  // namespace

Result<Model> ParseModelFile(std::string_view file, std::string_view text) {
  if (text.size() > kFileBytesMax)
    return InvalidArgument("{}: {} bytes; allowed: {}", file, text.size(), kFileBytesMax);
  Model model;
  model.file = file;
  model.sql = text;
  HeaderParser header(file, &model);
  int line = 0;
  std::string_view rest = text;
  while (rest.starts_with("--") || rest.starts_with("\n")) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view content = Trim(rest.substr(0, end));
    if (static_cast<size_t>(++line) > kHeaderLinesMax)
      return InvalidArgument("{}:{}: header of more than {} lines", file, line, kHeaderLinesMax);
    if (!content.empty()) FEEDMILL_TRY(header.Line(line, Trim(content.substr(2))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  FEEDMILL_TRY(header.Finish(std::max(line, 1)));
  model.sql_line = line + 1;
  if (Trim(rest).ends_with(';')) model.sql.erase(model.sql.rfind(';'));  // as editors and habit leave it
  bool has_sql = !Trim(rest).empty();
  if (HasSql(model) && !has_sql) return InvalidArgument("{}:{}: no SELECT follows the header", file, line + 1);
  if (!HasSql(model) && has_sql)
    return InvalidArgument("{}:{}: a native or external model has a header only; found SQL", file, line + 1);
  return model;
}

bool HasSql(const Model& model) {
  return model.materialization != Materialization::kNative && model.materialization != Materialization::kExternal;
}

uint64_t MemoryOf(const Model& model, uint64_t nightly) {
  if (model.memory_bytes_max == 0 || nightly == 0) return std::max(model.memory_bytes_max, nightly);
  return std::min(model.memory_bytes_max, nightly);
}

std::string TableName(std::string_view model) { return fmt::format("{}.{}", model.substr(0, model.find('_')), model); }

std::vector<std::string> Inputs(const Model& model) {
  if (model.materialization == Materialization::kNative) return model.depends;
  std::vector<std::string> names;
  for (const InputWindow& input : model.reads) {
    if (!input.self && std::ranges::find(names, input.table) == names.end()) names.push_back(input.table);
  }
  return names;
}

}  // namespace feedmill::warehouse
