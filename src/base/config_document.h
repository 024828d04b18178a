// A TOML file as a plain tree that remembers where each value stood, so that an error can name file and line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill {

struct ConfigMember;

struct ConfigNode {
  enum class Kind { kString, kInteger, kReal, kBoolean, kTime, kList, kTable };

  Kind kind = Kind::kTable;
  int line = 0;  // 1-based; 0 = not from a file
  int column = 0;
  std::string text;  // kString; kTime as it stood in the file
  int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  std::vector<ConfigNode> items;      // kList
  std::vector<ConfigMember> members;  // kTable, in the order of the file

  // The member of that name, or nullptr. Does not follow dots.
  const ConfigNode* Find(std::string_view name) const;
  // For messages: what was found, `text "abc"`, `integer 5`, `table`.
  std::string Describe() const;
};

struct ConfigMember {
  std::string name;
  ConfigNode node;
};

struct ConfigDocument {
  std::string file;  // as the user named it
  ConfigNode root;

  // "feedmill.toml:12" for messages.
  std::string Where(const ConfigNode& node) const;
};

// kInvalidArgument: `file:line:column: what is wrong`. Bytes that are no UTF-8 are refused.
Result<ConfigDocument> ParseToml(std::string_view file, std::string_view text);

}  // namespace feedmill
