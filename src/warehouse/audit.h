// Runs data-quality rules on rows that are staged and not yet published.
#pragma once

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
};

// `session` has the data under check as `primary` and the tables that CustomSql names; `variables` are the interval's.
// ColumnValues leaves nulls out (Completeness is the rule for them). Uniqueness and completeness of no rows are 1.
// An error means that a rule could not be run: `file:line: why`.
Result<std::vector<CheckResult>> RunChecks(query::Session& session, const std::string& file,
                                           const std::vector<Rule>& rules, const Variables& variables);

// CustomSql as the engine reads it: `primary`, Glue's name for the data and a keyword of SQL, in quotes.
std::string QuotePrimary(std::string_view sql);

}  // namespace feedmill::warehouse
