#include "base/config_table.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "base/units.h"

namespace feedmill {

ConfigTable::ConfigTable(const ConfigDocument& document, const ConfigNode* table, std::string where)
    : document_(document), table_(table), where_(std::move(where)) {}

void ConfigTable::Boolean(std::string_view key, bool* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  if (node->kind != ConfigNode::Kind::kBoolean) return Wrong(*node, key, "true or false");
  *out = node->boolean;
}

void ConfigTable::Number(std::string_view key, double low, double high, double* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  const bool whole = node->kind == ConfigNode::Kind::kInteger;
  const double value = whole ? static_cast<double>(node->integer) : node->real;
  const bool good = (whole || node->kind == ConfigNode::Kind::kReal) && value >= low && value <= high;
  if (!good) return Wrong(*node, key, fmt::format("a number from {} to {}", low, high));
  *out = value;
}

void ConfigTable::Integer(std::string_view key, int low, int high, int* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  const bool good = node->kind == ConfigNode::Kind::kInteger && node->integer >= low && node->integer <= high;
  if (!good) return Wrong(*node, key, fmt::format("a whole number from {} to {}", low, high));
  *out = static_cast<int>(node->integer);
}

void ConfigTable::Duration(std::string_view key, Micros low, Micros high, Micros* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  const auto duration = ParseDuration(node->text);
  const bool good = node->kind == ConfigNode::Kind::kString && duration && *duration >= low && *duration <= high;
  if (!good) {
    return Wrong(*node, key,
                 fmt::format("a duration from \"{}\" to \"{}\"", FormatDuration(low), FormatDuration(high)));
  }
  *out = *duration;
}

void ConfigTable::Text(std::string_view key, std::string* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  if (node->kind != ConfigNode::Kind::kString) return Wrong(*node, key, "a text");
  *out = node->text;
}

void ConfigTable::Texts(std::string_view key, std::vector<std::string>* out) {
  const ConfigNode* node = Find(key);
  if (node == nullptr) return;
  const auto is_text = [](const ConfigNode& item) {
    return item.kind == ConfigNode::Kind::kString && !item.text.empty();
  };
  if (node->kind != ConfigNode::Kind::kList || !std::ranges::all_of(node->items, is_text))
    return Wrong(*node, key, "a list of texts");
  out->clear();
  for (const ConfigNode& item : node->items) out->push_back(item.text);
}

ConfigTable ConfigTable::Table(std::string_view key) {
  const ConfigNode* node = Find(key);
  const bool table = node != nullptr && node->kind == ConfigNode::Kind::kTable;
  if (node != nullptr && !table) Wrong(*node, key, "a table");
  return {document_, table ? node : nullptr, where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key)};
}

std::vector<std::pair<std::string, ConfigTable>> ConfigTable::Tables(std::string_view key) {
  ConfigTable parent = Table(key);
  std::vector<std::pair<std::string, ConfigTable>> tables;
  for (const std::string& name : parent.Keys()) tables.emplace_back(name, parent.Table(name));
  if (parent.error_ && !error_) error_ = parent.error_;
  return tables;
}

std::vector<std::string> ConfigTable::Keys() const {
  std::vector<std::string> keys;
  if (table_ != nullptr) {
    for (const auto& [key, node] : table_->members) keys.push_back(key);
  }
  return keys;
}

void ConfigTable::Refuse(std::string_view key, std::string_view allowed) {
  const ConfigNode* node = table_ == nullptr ? nullptr : table_->Find(key);
  if (node != nullptr) return Wrong(*node, key, allowed);
  if (error_) return;
  const std::string place = table_ == nullptr ? document_.file : document_.Where(*table_);
  error_ = Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}{}{} is missing; allowed: {}", place, where_,
                                                          where_.empty() ? "" : ".", key, allowed));
}

Status ConfigTable::Done() const {
  if (error_) return std::unexpected(*error_);
  if (table_ == nullptr) return Ok();
  for (const auto& [key, node] : table_->members) {
    if (known_.contains(key)) continue;
    return InvalidArgument("{}: unknown key \"{}\"{}; allowed: {}", document_.Where(node), key,
                           where_.empty() ? "" : fmt::format(" in [{}]", where_), fmt::join(known_, ", "));
  }
  return Ok();
}

const ConfigNode* ConfigTable::Find(std::string_view key) {
  known_.emplace(key);
  return table_ == nullptr ? nullptr : table_->Find(key);
}

void ConfigTable::Wrong(const ConfigNode& node, std::string_view key, std::string_view allowed) {
  if (error_) return;
  error_ =
      Error(ErrorKind::kInvalidArgument, fmt::format("{}: {}{}{}: found {}; allowed: {}", document_.Where(node), where_,
                                                     where_.empty() ? "" : ".", key, node.Describe(), allowed));
}

}  // namespace feedmill
