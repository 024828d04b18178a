// DuckDB's errors as ours: kind, and line and column of the text the caller wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace feedmill::query {

// Where byte `position` of `text` stands. Line and column count from 1; columns are code points.
struct TextPosition {
  size_t line = 1;
  size_t column = 1;
};
TextPosition LocateByte(std::string_view text, size_t position);

// The word that a statement begins with, in capitals; comments and brackets in front of it are passed over. "" = none.
std::string FirstWord(std::string_view sql);

// `raw` is what DuckDB gave with errors_as_json=true (plain text is taken too). `sql` is the caller's text, which began
// at byte `prefix_bytes` of what was executed. Where DuckDB says in fields of their own what was wrong (a name that is
// not there, a call that no function takes, a file that may not be read), the reason is ours, else its text. The
// message begins with "line L, column C: " when the error has a place inside `sql`.
Error SqlError(std::string_view raw, std::string_view sql, size_t prefix_bytes);

}  // namespace feedmill::query
