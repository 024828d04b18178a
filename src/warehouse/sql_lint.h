// Rules that keep models readable by DuckDB and Spark alike, checked on the syntax tree.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::warehouse {

// `tree` is query::Session::ParseSelect of `sql`. Each finding is `file:line: what; write instead`. Rules: no QUALIFY,
// EXCLUDE, REPLACE, COLUMNS(), PIVOT, FROM-first; every ORDER BY says NULLS FIRST or NULLS LAST; no table functions but
// unnest, range and generate_series (a model reads tables, never files).
std::vector<std::string> LintSql(std::string_view file, std::string_view sql, std::string_view tree);

struct ComparedText {
  std::string text;
  int line = 0;
};
// Texts that the SELECT compares columns of these names with, by =, <> and IN.
std::vector<ComparedText> ComparedTexts(std::string_view sql, std::string_view tree,
                                        const std::vector<std::string_view>& columns);

// Line of the outermost select-list entry that makes column `name`; 0 when it cannot be told.
int LineOfColumn(std::string_view sql, std::string_view tree, std::string_view name);

}  // namespace feedmill::warehouse
