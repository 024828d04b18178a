// A small JSON document with the line of every value: for configuration written by people, whose errors must name the
// line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::ingest {

struct LocatedJson {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };
  struct Member;

  Kind kind = Kind::kNull;
  int line = 1;
  bool boolean = false;
  double number = 0;
  std::string text;  // kString: unescaped; otherwise as written
  std::vector<LocatedJson> items;
  std::vector<Member> members;  // in the order of the file
};

struct LocatedJson::Member {
  std::string name;
  int line = 1;
  LocatedJson value;
};

// kInvalidArgument begins with "line N: ". Documents are at most 1 MiB and 16 levels deep; a name given twice is an
// error.
Result<LocatedJson> ParseLocatedJson(std::string_view text);

}  // namespace feedmill::ingest
