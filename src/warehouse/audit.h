// Runs data-quality rules on rows that are staged and not yet published.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/engine.h"
#include "warehouse/dqdl.h"
#include "warehouse/sql_text.h"

namespace feedmill::warehouse {

struct CheckResult {
  std::string rule;  // as written
  bool passed = false;
  bool blocking = true;
  double found = 0;  // what the rule compares: rows, a share, rows that break a ColumnValues, a CustomSql's number
  int line = 0;
  std::string note;  // of a rule with history that failed: which day, and what was expected; else ""
};

// Rows by day (since the epoch) of an incremental model: those under check, and those that the table has.
struct DayVolumes {
  std::map<int64_t, int64_t> checked;
  std::map<int64_t, int64_t> published;
};

// `session` has the data under check as `primary` and the tables that CustomSql names; `variables` are the interval's.
// ColumnValues leaves nulls out (Completeness is the rule for them). Uniqueness and completeness of no rows are 1.
// A rule with history holds for a day of which fewer than two of the weekdays asked for have rows. An error means that
// a rule could not be run: `file:line: why`.
Result<std::vector<CheckResult>> RunChecks(query::Session& session, const std::string& file,
                                           const std::vector<Rule>& rules, const Variables& variables,
                                           const DayVolumes& volumes = {});

// Whether the rules could be run over what `session` has: every name in them is there. Nothing is run.
Status BindChecks(query::Session& session, const std::string& file, const std::vector<Rule>& rules,
                  const Variables& variables);

// CustomSql as the engine reads it: `primary`, Glue's name for the data and a keyword of SQL, in quotes.
std::string QuotePrimary(std::string_view sql);

}  // namespace feedmill::warehouse
