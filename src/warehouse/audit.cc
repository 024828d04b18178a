#include "warehouse/audit.h"

#include <cctype>

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

// SQL of one number that the rule's condition judges. A ColumnValues counts the rows that break it.
std::string NumberSql(const Rule& rule) {
  std::string column = Quoted(rule.subject, '"');
  switch (rule.kind) {
    case RuleKind::kRowCount:
      return "SELECT COUNT(*) FROM \"primary\"";
    case RuleKind::kIsUnique:
    case RuleKind::kUniqueness:
      return fmt::format(
          "SELECT COALESCE(CAST(COUNT(*) FILTER (WHERE copies = 1) AS DOUBLE) / NULLIF(SUM(copies), 0), 1) "
          "FROM (SELECT COUNT(*) AS copies FROM \"primary\" GROUP BY {}) AS grouped",
          column);
    case RuleKind::kCompleteness:
      return fmt::format("SELECT COALESCE(CAST(COUNT({}) AS DOUBLE) / NULLIF(COUNT(*), 0), 1) FROM \"primary\"",
                         column);
    case RuleKind::kColumnValues:
      return fmt::format("SELECT COUNT(*) FROM \"primary\" WHERE {} IS NOT NULL AND NOT ({})", column,
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

Result<std::vector<CheckResult>> RunChecks(query::Session& session, const std::string& file,
                                           const std::vector<Rule>& rules, const Variables& variables) {
  std::vector<CheckResult> results;
  for (const Rule& rule : rules) {
    std::string sql = NumberSql(rule);
    if (rule.kind == RuleKind::kCustomSql) {
      FEEDMILL_ASSIGN(sql, ReplaceVariables(file, QuotePrimary(sql), variables));
    }
    auto found = OneNumber(session, sql);
    if (!found)
      return std::unexpected(Error(found.error().kind(), fmt::format("{}:{}: rule '{}': {}", file, rule.line, rule.text,
                                                                     found.error().message())));
    results.push_back({rule.text, Passes(rule, *found), rule.blocking, *found, rule.line});
  }
  return results;
}

}  // namespace feedmill::warehouse
