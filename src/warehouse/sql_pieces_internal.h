// SQL as stretches of code, strings, quoted names and comments.
#pragma once

#include <string_view>

namespace feedmill::warehouse {

struct SqlPiece {
  enum class Kind { kCode, kString, kName, kComment };
  Kind kind = Kind::kCode;
  std::string_view text;
  bool IsVariable() const { return kind == Kind::kCode && text[0] == '@'; }
};

// The stretch that begins at `at`, which is before the end. Code comes one character at a time, "@word" as one.
SqlPiece PieceAt(std::string_view sql, size_t at);

template <typename OnPiece>
void ForEachPiece(std::string_view sql, OnPiece on_piece) {
  for (size_t at = 0; at < sql.size();) {
    const SqlPiece piece = PieceAt(sql, at);
    on_piece(piece);
    at += piece.text.size();
  }
}

}  // namespace feedmill::warehouse
