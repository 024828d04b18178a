#include "warehouse/sql_text.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/time_text.h"

namespace feedmill::warehouse {
namespace {

enum class Piece { kCode, kString, kName, kComment };

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

// Calls `on_piece(kind, text)` for each stretch of one kind; code comes one character at a time.
template <typename OnPiece>
void ForEachPiece(std::string_view sql, OnPiece on_piece) {
  for (size_t i = 0; i < sql.size();) {
    size_t end = i + 1;
    Piece kind = Piece::kCode;
    if (sql[i] == '\'') {
      end = EndOfQuoted(sql, i, '\'');
      kind = Piece::kString;
    } else if (sql[i] == '"') {
      end = EndOfQuoted(sql, i, '"');
      kind = Piece::kName;
    } else if (sql.substr(i, 2) == "--") {
      end = EndOfLine(sql, i);
      kind = Piece::kComment;
    } else if (sql.substr(i, 2) == "/*") {
      end = EndOfBlock(sql, i);
      kind = Piece::kComment;
    } else if (sql[i] == '@') {
      while (end < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[end])) || sql[end] == '_')) ++end;
    }
    on_piece(kind, sql.substr(i, end - i));
    i = end;
  }
}

std::string Literal(Micros time) {
  std::string text = FormatTime(time);  // 2024-01-01T00:00:00.000000Z
  return fmt::format("TIMESTAMPTZ '{} {}+00'", text.substr(0, 10), text.substr(11, 15));
}

}  // namespace

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
  ForEachPiece(sql, [&](Piece kind, std::string_view piece) {
    if (kind == Piece::kCode && piece[0] == '@') {
      auto found = variables.find(piece.substr(1));
      if (found == variables.end()) {
        std::string allowed;
        for (const auto& [name, value] : variables) allowed += fmt::format("{}@{}", allowed.empty() ? "" : ", ", name);
        if (!error)
          error = Error(ErrorKind::kInvalidArgument,
                        fmt::format("{}:{}: unknown variable '{}'; allowed: {}", file, line, piece, allowed));
        return;
      }
      text += found->second;
      return;
    }
    line += static_cast<int>(std::ranges::count(piece, '\n'));
    text += piece;
  });
  if (error) return std::unexpected(std::move(*error));
  return text;
}

std::string CanonicalSql(std::string_view sql) {
  std::string text;
  auto space = [&text] {
    if (!text.empty() && text.back() != ' ') text += ' ';
  };
  ForEachPiece(sql, [&](Piece kind, std::string_view piece) {
    if (kind == Piece::kComment || (kind == Piece::kCode && std::isspace(static_cast<unsigned char>(piece[0]))))
      return space();
    text += piece;
  });
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace feedmill::warehouse
