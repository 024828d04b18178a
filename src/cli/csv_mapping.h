// How the rows of a CSV file become events: a mapping file in TOML (docs/guides/import.md).
//
//   separator = ","
//   [event]
//   event = "post_click"            # a constant, or text with {column} in it
//   message_id = "click-{id}"
//   user_id = "{user}"
//   timestamp = "{when}"
//   time_format = "unix_seconds"    # rfc3339 (default), unix_seconds, unix_milliseconds
//   time_base = "2010-01-01"        # added to unix times that count from somewhere else
//   [properties]
//   post_id = "{post}"
//   position = { text = "{pos}", type = "integer" }   # text (default), integer, real, boolean; an empty column leaves
//   the property out
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::cli {

// Text with the numbers of columns in it.
struct TextPattern {
  struct Part {
    std::string text;
    int column = -1;  // after the text; -1 = none
  };
  std::vector<Part> parts;
  std::string Fill(const std::vector<std::string>& fields) const;
};

enum class PropertyType { kText, kInteger, kReal, kBoolean };
enum class TimeFormat { kRfc3339, kUnixSeconds, kUnixMilliseconds };

struct CsvMapping {
  char separator = ',';
  TextPattern event, message_id, user_id, timestamp;
  TimeFormat time_format = TimeFormat::kRfc3339;
  Micros time_base = 0;
  struct Property {
    std::string name;
    TextPattern pattern;
    PropertyType type = PropertyType::kText;
  };
  std::vector<Property> properties;
};

// `columns`: the header line of the CSV file. Errors name the mapping file's line and the columns there are.
Result<CsvMapping> ParseCsvMapping(std::string_view file, std::string_view text,
                                   const std::vector<std::string>& columns);
// The separator alone, needed to read the header line.
Result<char> ParseCsvSeparator(std::string_view file, std::string_view text);

// One event as JSON in Segment's shape. kInvalidArgument names column and value.
Result<std::string> MapCsvRow(const CsvMapping& mapping, const std::vector<std::string>& fields);

}  // namespace feedmill::cli
