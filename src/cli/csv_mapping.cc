#include "cli/csv_mapping.h"

#include <algorithm>
#include <charconv>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/config_document.h"
#include "base/settings.h"
#include "base/time_text.h"

namespace feedmill::cli {
namespace {

Result<TextPattern> ParsePattern(const std::string& where, std::string_view text,
                                 const std::vector<std::string>& columns) {
  TextPattern pattern;
  while (true) {
    const size_t open = text.find('{');
    TextPattern::Part part{std::string(text.substr(0, open)), -1};
    if (open == std::string_view::npos) {
      if (!part.text.empty()) pattern.parts.push_back(part);
      return pattern;
    }
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos)
      return InvalidArgument("{}: found \"{}\", allowed text in which every {{ is closed", where, text);
    const std::string_view name = text.substr(open + 1, close - open - 1);
    const auto it = std::find(columns.begin(), columns.end(), name);
    if (it == columns.end())
      return InvalidArgument("{}: found column \"{}\", the file has {}", where, name, fmt::join(columns, ", "));
    part.column = static_cast<int>(it - columns.begin());
    pattern.parts.push_back(part);
    text.remove_prefix(close + 1);
  }
}

struct MappingText {
  std::string separator = ",";
  std::string event, message_id, user_id, timestamp, time_base = "1970-01-01";
  TimeFormat time_format = TimeFormat::kRfc3339;
  ConfigNode properties;
};

Status LoadMapping(std::string_view file, std::string_view text, MappingText* out, ConfigDocument* document) {
  FEEDMILL_ASSIGN(*document, ParseToml(file, text));
  Settings settings;
  auto top = settings.Section("");
  top.Text("separator", &out->separator, "one character between fields");
  top.Tree("properties", &out->properties, "properties of the event");
  auto event = settings.Section("event", "What stands in the event.");
  event.Text("event", &out->event, "name of the event");
  event.Text("message_id", &out->message_id, "unique id; the key of deduplication");
  event.Text("user_id", &out->user_id, "who did it");
  event.Text("timestamp", &out->timestamp, "when");
  event.Text("time_base", &out->time_base, "instant from which unix times count");
  event.Enum("time_format", &out->time_format,
             {{"rfc3339", TimeFormat::kRfc3339},
              {"unix_seconds", TimeFormat::kUnixSeconds},
              {"unix_milliseconds", TimeFormat::kUnixMilliseconds}},
             "how timestamp is written");
  FEEDMILL_TRY(settings.Load(*document));
  if (out->separator.size() != 1)
    return InvalidArgument("{}: separator: found \"{}\", allowed one character", file, out->separator);
  return Ok();
}

Result<PropertyType> ParseType(const std::string& where, std::string_view name) {
  if (name.empty() || name == "text") return PropertyType::kText;
  if (name == "integer") return PropertyType::kInteger;
  if (name == "real") return PropertyType::kReal;
  if (name == "boolean") return PropertyType::kBoolean;
  return InvalidArgument("{}: type: found \"{}\", allowed text, integer, real, boolean", where, name);
}

Result<CsvMapping::Property> ParseProperty(const std::string& where, const std::string& name, const ConfigNode& node,
                                           const std::vector<std::string>& columns) {
  CsvMapping::Property property;
  property.name = name;
  std::string text = node.text;
  if (node.kind == ConfigNode::Kind::kTable) {
    const ConfigNode* pattern = node.Find("text");
    const ConfigNode* type = node.Find("type");
    if (pattern == nullptr) return InvalidArgument("{}: properties.{}: \"text\" is missing", where, name);
    text = pattern->text;
    FEEDMILL_ASSIGN(property.type, ParseType(where, type == nullptr ? "" : std::string_view(type->text)));
  } else if (node.kind != ConfigNode::Kind::kString) {
    return InvalidArgument("{}: properties.{}: found {}, allowed text or {{ text = ..., type = ... }}", where, name,
                           node.Describe());
  }
  FEEDMILL_ASSIGN(property.pattern, ParsePattern(fmt::format("{}: properties.{}", where, name), text, columns));
  return property;
}

Result<nlohmann::json> Convert(const CsvMapping::Property& property, const std::string& text) {
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  double real = 0;
  switch (property.type) {
    case PropertyType::kText:
      return text;
    case PropertyType::kInteger:
      if (std::from_chars(text.data(), end, integer).ptr == end) return integer;
      break;
    case PropertyType::kReal:
      if (std::from_chars(text.data(), end, real).ptr == end) return real;
      break;
    case PropertyType::kBoolean:
      if (text == "true" || text == "1") return true;
      if (text == "false" || text == "0") return false;
      break;
  }
  return InvalidArgument("property {}: found \"{}\", allowed a value of its type (integer, real or boolean)",
                         property.name, text);
}

Result<std::string> ConvertTime(const CsvMapping& mapping, const std::string& text) {
  if (mapping.time_format == TimeFormat::kRfc3339) {
    FEEDMILL_ASSIGN(const Micros time, ParseTime(text));
    return FormatTime(time);
  }
  const Micros unit = mapping.time_format == TimeFormat::kUnixSeconds ? kMicrosPerSecond : kMicrosPerMilli;
  double count = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || std::from_chars(text.data(), end, count).ptr != end || !(count > -1e15 && count < 1e15)) {
    return InvalidArgument("timestamp: found \"{}\", allowed a number of seconds or milliseconds", text);
  }
  return FormatTime(mapping.time_base + static_cast<Micros>(count * static_cast<double>(unit)));
}

}  // namespace

std::string TextPattern::Fill(const std::vector<std::string>& fields) const {
  std::string out;
  for (const Part& part : parts) {
    out += part.text;
    if (part.column >= 0) out += fields[static_cast<size_t>(part.column)];
  }
  return out;
}

Result<char> ParseCsvSeparator(std::string_view file, std::string_view text) {
  MappingText mapping;
  ConfigDocument document;
  FEEDMILL_TRY(LoadMapping(file, text, &mapping, &document));
  return mapping.separator[0];
}

Result<CsvMapping> ParseCsvMapping(std::string_view file, std::string_view text,
                                   const std::vector<std::string>& columns) {
  MappingText in;
  ConfigDocument document;
  FEEDMILL_TRY(LoadMapping(file, text, &in, &document));
  CsvMapping mapping;
  mapping.separator = in.separator[0];
  mapping.time_format = in.time_format;
  FEEDMILL_ASSIGN(mapping.time_base, ParseTime(in.time_base));
  struct Needed {
    const char* name;
    const std::string& text;
    TextPattern* out;
  };
  for (const Needed& needed :
       {Needed{"event", in.event, &mapping.event}, Needed{"message_id", in.message_id, &mapping.message_id},
        Needed{"user_id", in.user_id, &mapping.user_id}, Needed{"timestamp", in.timestamp, &mapping.timestamp}}) {
    if (needed.text.empty()) return InvalidArgument("{}: event.{} is missing", file, needed.name);
    FEEDMILL_ASSIGN(*needed.out, ParsePattern(fmt::format("{}: event.{}", file, needed.name), needed.text, columns));
  }
  for (const auto& [name, node] : in.properties.members) {
    FEEDMILL_ASSIGN(auto property, ParseProperty(document.Where(node), name, node, columns));
    mapping.properties.push_back(std::move(property));
  }
  return mapping;
}

Result<std::string> MapCsvRow(const CsvMapping& mapping, const std::vector<std::string>& fields) {
  nlohmann::ordered_json event = {{"type", "track"},
                                  {"event", mapping.event.Fill(fields)},
                                  {"messageId", mapping.message_id.Fill(fields)},
                                  {"userId", mapping.user_id.Fill(fields)}};
  FEEDMILL_ASSIGN(event["timestamp"], ConvertTime(mapping, mapping.timestamp.Fill(fields)));
  nlohmann::json properties = nlohmann::json::object();
  for (const CsvMapping::Property& property : mapping.properties) {
    const std::string text = property.pattern.Fill(fields);
    if (text.empty()) continue;
    FEEDMILL_ASSIGN(properties[property.name], Convert(property, text));
  }
  event["properties"] = properties;
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace feedmill::cli
