#include "warehouse/audit.h"

#include <algorithm>
#include <cctype>

#include "base/time_text.h"

namespace feedmill::warehouse {
namespace {

std::string Quoted(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (char c : text) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}

std::string ListSql(const Condition& condition) {
  std::string list;
  for (double number : condition.numbers) list += fmt::format("{}{}", list.empty() ? "" : ", ", number);
  for (const std::string& text : condition.texts)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", Quoted(text, '\''));
  return list;
}

std::string ConditionSql(const std::string& column, const Condition& condition) {
  auto number = [&](size_t i) { return fmt::format("{}", condition.numbers[i]); };
  switch (condition.kind) {
    case Condition::Kind::kGreater:
      return column + " > " + number(0);
    case Condition::Kind::kAtLeast:
      return column + " >= " + number(0);
    case Condition::Kind::kLess:
      return column + " < " + number(0);
    case Condition::Kind::kAtMost:
      return column + " <= " + number(0);
    case Condition::Kind::kEqual:
      return column + " = " + number(0);
    case Condition::Kind::kNotEqual:
      return column + " <> " + number(0);
    case Condition::Kind::kBetween:
      return fmt::format("{0} > {1} AND {0} < {2}", column, number(0), number(1));
    case Condition::Kind::kIn:
      return fmt::format("{} IN ({})", column, ListSql(condition));
  }
  return "true";
}

constexpr int64_t kWeekDays = 7;
constexpr size_t kHistoryMin = 2;  // weekdays with rows; fewer say nothing about what to expect

// The rows that a rule looks at.
std::string Checked(const Rule& rule) {
  return rule.where.empty() ? "\"primary\""
                            : fmt::format("(SELECT * FROM \"primary\" WHERE {}) AS looked_at", rule.where);
}

// SQL of one number that the rule's condition judges. A ColumnValues counts the rows that break it.
std::string NumberSql(const Rule& rule) {
  std::string column = Quoted(rule.subject, '"');
  switch (rule.kind) {
    case RuleKind::kRowCount:
      return "SELECT COUNT(*) FROM " + Checked(rule);
    case RuleKind::kIsUnique:
    case RuleKind::kUniqueness:
      return fmt::format(
          "SELECT COALESCE(CAST(COUNT(*) FILTER (WHERE copies = 1) AS DOUBLE) / NULLIF(SUM(copies), 0), 1) "
          "FROM (SELECT COUNT(*) AS copies FROM {} GROUP BY {}) AS grouped",
          Checked(rule), column);
    case RuleKind::kCompleteness:
      return fmt::format("SELECT COALESCE(CAST(COUNT({}) AS DOUBLE) / NULLIF(COUNT(*), 0), 1) FROM {}", column,
                         Checked(rule));
    case RuleKind::kColumnValues:
      return fmt::format("SELECT COUNT(*) FROM {} WHERE {} IS NOT NULL AND NOT ({})", Checked(rule), column,
                         ConditionSql(column, *rule.condition));
    case RuleKind::kCustomSql:
      return rule.subject;
  }
  return rule.subject;
}

bool Passes(const Rule& rule, double found) {
  if (rule.kind == RuleKind::kIsUnique) return found == 1;
  if (rule.kind == RuleKind::kColumnValues) return found == 0;
  return Holds(*rule.condition, found);
}

// What the weekday of `day` had in the weeks before, in the rule's figure; nothing when that is too little to say.
std::optional<double> Expected(const RowHistory& history, int64_t day, const DayVolumes& volumes) {
  std::vector<double> former;
  for (int week = 1; week <= history.weeks; ++week) {
    auto found = volumes.published.find(day - week * kWeekDays);
    if (found != volumes.published.end() && found->second > 0) former.push_back(static_cast<double>(found->second));
  }
  if (former.size() < kHistoryMin) return std::nullopt;
  double figure = 0;
  for (double rows : former) figure += rows / static_cast<double>(former.size());
  if (history.figure == RowHistory::Figure::kLeast) figure = *std::ranges::min_element(former);
  if (history.figure == RowHistory::Figure::kMost) figure = *std::ranges::max_element(former);
  return figure * history.factor;
}

// The first day that breaks the rule is told; without one, the fewest rows of a day.
CheckResult CheckVolumes(const Rule& rule, const DayVolumes& volumes) {
  CheckResult result{rule.text, true, rule.blocking, 0, rule.line, ""};
  bool first = true;
  for (const auto& [day, rows] : volumes.checked) {
    const double count = static_cast<double>(rows);
    result.found = first ? count : std::min(result.found, count);
    first = false;
    const auto expected = Expected(*rule.condition->history, day, volumes);
    Condition condition = *rule.condition;
    if (expected) condition.numbers = {*expected};
    if (!expected || Holds(condition, count)) continue;
    result.passed = false;
    result.found = count;
    result.note = fmt::format("{} has {} rows, against {:.1f} by the same weekday of {} weeks",
                              FormatDay(static_cast<Day>(day)), rows, *expected, rule.condition->history->weeks);
    return result;
  }
  return result;
}

Result<double> OneNumber(query::Session& session, const std::string& sql) {
  FEEDMILL_ASSIGN(query::Rows rows, session.Query(sql, 2));
  if (rows.rows.size() != 1 || rows.columns.size() != 1) {
    return InvalidArgument("gives {} rows of {} columns; allowed: one number", rows.rows.size(), rows.columns.size());
  }
  const query::Cell& cell = rows.rows[0][0];
  if (const auto* whole = std::get_if<int64_t>(&cell)) return static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&cell)) return *real;
  return InvalidArgument("gives something other than a number; allowed: one number");
}

}  // namespace

std::string QuotePrimary(std::string_view sql) {
  std::string text;
  size_t at = 0;
  auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '"' || c == '\'';
  };
  while (true) {
    size_t found = sql.find("primary", at);
    if (found == std::string_view::npos) return text.append(sql.substr(at));
    size_t end = found + std::string_view("primary").size();
    bool whole = (found == 0 || !is_word(sql[found - 1])) && (end == sql.size() || !is_word(sql[end]));
    text.append(sql.substr(at, found - at)).append(whole ? "\"primary\"" : "primary");
    at = end;
  }
}

namespace {

Result<std::string> SqlOf(const std::string& file, const Rule& rule, const Variables& variables) {
  std::string sql = NumberSql(rule);
  if (rule.kind == RuleKind::kCustomSql) return ReplaceVariables(file, QuotePrimary(sql), variables);
  return sql;
}

bool ComparesDays(const Rule& rule) { return rule.condition && rule.condition->history; }

Error InRule(const std::string& file, const Rule& rule, const Error& error) {
  return Error(error.kind(), fmt::format("{}:{}: rule '{}': {}", file, rule.line, rule.text, error.message()));
}

}  // namespace

Result<std::vector<CheckResult>> RunChecks(query::Session& session, const std::string& file,
                                           const std::vector<Rule>& rules, const Variables& variables,
                                           const DayVolumes& volumes) {
  std::vector<CheckResult> results;
  for (const Rule& rule : rules) {
    if (ComparesDays(rule)) {
      results.push_back(CheckVolumes(rule, volumes));
      continue;
    }
    FEEDMILL_ASSIGN(const std::string sql, SqlOf(file, rule, variables));
    const auto found = OneNumber(session, sql);
    if (!found) return std::unexpected(InRule(file, rule, found.error()));
    results.push_back({rule.text, Passes(rule, *found), rule.blocking, *found, rule.line, ""});
  }
  return results;
}

Status BindChecks(query::Session& session, const std::string& file, const std::vector<Rule>& rules,
                  const Variables& variables) {
  for (const Rule& rule : rules) {
    if (ComparesDays(rule)) continue;
    FEEDMILL_ASSIGN(const std::string sql, SqlOf(file, rule, variables));
    const auto bound = session.Query("SELECT 1 FROM (" + sql + ") LIMIT 0");
    if (!bound) return std::unexpected(InRule(file, rule, bound.error()));
  }
  return Ok();
}

}  // namespace feedmill::warehouse
