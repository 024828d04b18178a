// SQL as text: variables of a model, and the parts that are neither comment nor string.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::warehouse {

// "@start" -> its value. Names without the @.
using Variables = std::map<std::string, std::string, std::less<>>;

// @start and @end as literals of instants; @part and @parts as whole numbers (a model that is short of memory is made
// in parts: `user_key % @parts = @part`).
Variables IntervalVariables(Micros start, Micros end, int part = 0, int parts = 1);

// Adds @since and @newest, of a model that reads "the last days that have rows".
void AddLastDays(Micros since, Micros newest, Variables* variables);

// Replaces @name outside comments, strings and quoted names. An unknown one is kInvalidArgument with file:line and what
// is allowed.
Result<std::string> ReplaceVariables(std::string_view file, std::string_view sql, const Variables& variables);

// `sql` with comments taken out and white space joined: equal for two texts that differ only in them.
std::string CanonicalSql(std::string_view sql);

}  // namespace feedmill::warehouse
