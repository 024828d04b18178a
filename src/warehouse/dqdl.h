// Data-quality rules in AWS Glue's DQDL, the part that the warehouse runs:
//   Rules = [ RowCount > 0, IsUnique "id", Uniqueness "id" > 0.9, Completeness "user_id" > 0.999,
//             ColumnValues "age" between -1 and 151, ColumnValues "clicked" in [0, 1],
//             CustomSql "SELECT COUNT(*) FROM primary WHERE a > b" = 0 ]
// As in Glue, `between` leaves both ends out, `primary` is the data under check, `where "SQL"` at a rule's end says
// which rows it looks at, and `RowCount > avg(last(4)) * 0.2` compares with what was there before (also min, max): with
// the rows of the same weekday in the 4 weeks before, day by day. `#` begins a comment; `# level: warn` right before a
// rule makes its failure a warning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::warehouse {

enum class RuleKind { kRowCount, kIsUnique, kUniqueness, kCompleteness, kColumnValues, kCustomSql };

// What a day's rows are compared with, instead of a number.
struct RowHistory {
  enum class Figure { kAverage, kLeast, kMost };
  Figure figure = Figure::kAverage;
  int weeks = 0;
  double factor = 1;
};

struct Condition {
  enum class Kind { kGreater, kAtLeast, kLess, kAtMost, kEqual, kNotEqual, kBetween, kIn };
  Kind kind = Kind::kEqual;
  std::vector<double> numbers;        // one; two for between; any number for in
  std::vector<std::string> texts;     // in ["a", "b"], or = "a"
  std::optional<RowHistory> history;  // of a RowCount; then `numbers` is empty
};

struct Rule {
  RuleKind kind = RuleKind::kRowCount;
  std::string subject;  // column, or the SQL of a CustomSql
  std::optional<Condition> condition;
  std::string where;  // SQL of the rows it looks at; "" = all
  bool blocking = true;
  int line = 0;
  std::string text;  // as written, on one line, for reports
};

// Errors are `file:line: what, found, allowed`. Bounded in file size and rules.
Result<std::vector<Rule>> ParseDqdl(std::string_view file, std::string_view text);

// Of a condition without history.
bool Holds(const Condition& condition, double value);

}  // namespace feedmill::warehouse
