#include "base/config_document.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <toml++/toml.h>

namespace feedmill {
namespace {

ConfigNode Convert(const toml::node& node);

void ConvertTable(const toml::table& table, ConfigNode* out) {
  out->kind = ConfigNode::Kind::kTable;
  for (const auto& [key, value] : table) {
    ConfigNode member = Convert(value);
    // A table made by dots alone ("a.b = 1") has no place of its own; its key has.
    if (member.line == 0) {
      member.line = static_cast<int>(key.source().begin.line);
      member.column = static_cast<int>(key.source().begin.column);
    }
    out->members.push_back({std::string(key.str()), std::move(member)});
  }
  auto place = [](const auto& member) { return std::pair(member.node.line, member.node.column); };
  std::ranges::stable_sort(out->members, {}, place);
}

ConfigNode Convert(const toml::node& node) {
  ConfigNode out;
  out.line = static_cast<int>(node.source().begin.line);
  out.column = static_cast<int>(node.source().begin.column);
  if (const auto* table = node.as_table()) {
    ConvertTable(*table, &out);
  } else if (const auto* list = node.as_array()) {
    out.kind = ConfigNode::Kind::kList;
    for (const toml::node& item : *list) out.items.push_back(Convert(item));
  } else if (const auto* text = node.as_string()) {
    out.kind = ConfigNode::Kind::kString;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = ConfigNode::Kind::kInteger;
    out.integer = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    out.kind = ConfigNode::Kind::kReal;
    out.real = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = ConfigNode::Kind::kBoolean;
    out.boolean = boolean->get();
  } else {
    out.kind = ConfigNode::Kind::kTime;
    std::ostringstream text_form;
    node.visit([&](const auto& concrete) {
      if constexpr (toml::is_value<decltype(concrete)>) text_form << concrete.get();
    });
    out.text = text_form.str();
  }
  return out;
}

std::string Cut(const std::string& text) {
  constexpr size_t kShown = 60;
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

}  // namespace

const ConfigNode* ConfigNode::Find(std::string_view name) const {
  for (const auto& [key, member] : members) {
    if (key == name) return &member;
  }
  return nullptr;
}

std::string ConfigNode::Describe() const {
  switch (kind) {
    case Kind::kString:
      return fmt::format("text \"{}\"", Cut(text));
    case Kind::kInteger:
      return fmt::format("integer {}", integer);
    case Kind::kReal:
      return fmt::format("number {}", real);
    case Kind::kBoolean:
      return boolean ? "true" : "false";
    case Kind::kTime:
      return fmt::format("time {}", text);
    case Kind::kList:
      return fmt::format("a list of {}", items.size());
    case Kind::kTable:
      return "a table";
  }
  return "nothing";
}

std::string ConfigDocument::Where(const ConfigNode& node) const {
  return node.line > 0 ? fmt::format("{}:{}", file, node.line) : file;
}

Result<ConfigDocument> ParseToml(std::string_view file, std::string_view text) {
  ConfigDocument document;
  document.file = file;
  try {
    ConvertTable(toml::parse(text, std::string(file)), &document.root);
  } catch (const toml::parse_error& error) {
    auto place = error.source().begin;
    return InvalidArgument("{}:{}:{}: {}", file, place.line, place.column, error.description());
  }
  return document;
}

}  // namespace feedmill
