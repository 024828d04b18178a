#include "warehouse/sql_text.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/time_text.h"
#include "warehouse/domain_sql.h"
#include "warehouse/sql_pieces_internal.h"

namespace feedmill::warehouse {
namespace {

size_t EndOfQuoted(std::string_view sql, size_t begin, char quote) {
  for (size_t i = begin + 1; i < sql.size(); ++i) {
    if (sql[i] != quote) continue;
    if (i + 1 >= sql.size() || sql[i + 1] != quote) return i + 1;
    ++i;
  }
  return sql.size();
}

size_t EndOfLine(std::string_view sql, size_t begin) { return std::min(sql.find('\n', begin), sql.size()); }

size_t EndOfBlock(std::string_view sql, size_t begin) {
  size_t end = sql.find("*/", begin + 2);
  return end == std::string_view::npos ? sql.size() : end + 2;
}

std::string Literal(Micros time) {
  std::string text = FormatTime(time);  // 2024-01-01T00:00:00.000000Z
  return fmt::format("TIMESTAMPTZ '{} {}+00'", text.substr(0, 10), text.substr(11, 15));
}

Error UnknownVariable(std::string_view file, int line, std::string_view found, const Variables& variables) {
  std::string allowed;
  for (const auto& [name, value] : variables) allowed += fmt::format("@{}, ", name);
  return Error(ErrorKind::kInvalidArgument, fmt::format("{}:{}: unknown variable '{}'; allowed: {}{}", file, line,
                                                        found, allowed, DomainMacroNames()));
}

}  // namespace

SqlPiece PieceAt(std::string_view sql, size_t at) {
  using Kind = SqlPiece::Kind;
  const auto piece = [&](Kind kind, size_t end) { return SqlPiece{kind, sql.substr(at, end - at)}; };
  if (sql[at] == '\'') return piece(Kind::kString, EndOfQuoted(sql, at, '\''));
  if (sql[at] == '"') return piece(Kind::kName, EndOfQuoted(sql, at, '"'));
  if (sql.substr(at, 2) == "--") return piece(Kind::kComment, EndOfLine(sql, at));
  if (sql.substr(at, 2) == "/*") return piece(Kind::kComment, EndOfBlock(sql, at));
  size_t end = at + 1;
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  while (sql[at] == '@' && end < sql.size() && in_word(sql[end])) ++end;
  return piece(Kind::kCode, end);
}

Variables IntervalVariables(Micros start, Micros end, int part, int parts) {
  return {{"start", Literal(start)},
          {"end", Literal(end)},
          {"part", std::to_string(part)},
          {"parts", std::to_string(parts)}};
}

void AddLastDays(Micros since, Micros newest, Variables* variables) {
  (*variables)["since"] = Literal(since);
  (*variables)["newest"] = Literal(newest);
}

Result<std::string> ReplaceVariables(std::string_view file, std::string_view sql, const Variables& variables) {
  std::string text;
  std::optional<Error> error;
  int line = 1;
  ForEachPiece(sql, [&](const SqlPiece& piece) {
    line += static_cast<int>(std::ranges::count(piece.text, '\n'));
    const auto found = piece.IsVariable() ? variables.find(piece.text.substr(1)) : variables.end();
    if (found != variables.end()) {
      text += found->second;
    } else if (!piece.IsVariable()) {
      text += piece.text;
    } else if (!error) {
      error = UnknownVariable(file, line, piece.text, variables);
    }
  });
  if (error) return std::unexpected(std::move(*error));
  return text;
}

std::string CanonicalSql(std::string_view sql) {
  std::string text;
  auto space = [&text] {
    if (!text.empty() && text.back() != ' ') text += ' ';
  };
  ForEachPiece(sql, [&](const SqlPiece& piece) {
    const bool blank = std::isspace(static_cast<unsigned char>(piece.text[0])) != 0;
    if (piece.kind == SqlPiece::Kind::kComment || (piece.kind == SqlPiece::Kind::kCode && blank)) return space();
    text += piece.text;
  });
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace feedmill::warehouse
