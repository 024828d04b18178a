// Reads one table of a TOML file member by member. The first mistake is kept with its place; members that nobody asked
// for are refused at the end.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/config_document.h"

namespace feedmill {

// A member that is missing leaves its target as it is. The document outlives the reader. Not synchronised.
class ConfigTable {
 public:
  // `where` names the table in messages ("recall.i2i"; "" for the root); a null `table` is a reader of nothing.
  ConfigTable(const ConfigDocument& document, const ConfigNode* table, std::string where);

  bool present() const { return table_ != nullptr; }
  bool Has(std::string_view key) const { return table_ != nullptr && table_->Find(key) != nullptr; }

  void Boolean(std::string_view key, bool* out);
  void Number(std::string_view key, double low, double high, double* out);
  void Integer(std::string_view key, int low, int high, int* out);
  void Duration(std::string_view key, Micros low, Micros high, Micros* out);  // "24h", as base/units.h reads it
  void Text(std::string_view key, std::string* out);
  void Texts(std::string_view key, std::vector<std::string>* out);  // a list of texts
  template <typename T>
  void OneOf(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices, T* out);
  // The table under `key`; a reader of nothing when it is not there.
  ConfigTable Table(std::string_view key);
  // The tables under `key`, by name in the order of the file: [key.one], [key.two].
  std::vector<std::pair<std::string, ConfigTable>> Tables(std::string_view key);

  std::vector<std::string> Keys() const;
  // A mistake that the caller finds in what stands at `key`, or in the table itself when nothing does.
  void Refuse(std::string_view key, std::string_view allowed);

  // A mistake that was found in a table of this one.
  void Take(const Status& status) {
    if (!status && !error_) error_ = status.error();
  }

  // The first mistake so far.
  Status Good() const { return error_ ? Status(std::unexpected(*error_)) : Ok(); }
  // The same, and no member that nobody asked for.
  Status Done() const;

 private:
  const ConfigNode* Find(std::string_view key);
  void Wrong(const ConfigNode& node, std::string_view key, std::string_view allowed);

  const ConfigDocument& document_;
  const ConfigNode* table_;
  std::string where_;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> error_;
};

template <typename T>
void ConfigTable::OneOf(std::string_view key, std::initializer_list<std::pair<std::string_view, T>> choices, T* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  std::string allowed;
  for (const auto& [name, value] : choices) {
    if (node->kind == ConfigNode::Kind::kString && node->text == name) {
      *out = value;
      return;
    }
    allowed += fmt::format("{}\"{}\"", allowed.empty() ? "" : ", ", name);
  }
  Wrong(*node, key, allowed);
}

}  // namespace feedmill
