// Which tables a SELECT reads, from DuckDB's own syntax tree.
#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "query/session_internal.h"

namespace feedmill::query {
namespace {

using nlohmann::json;

struct Mention {
  uint64_t position;
  std::string table;
};

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

class TableFinder {
 public:
  // A name is a CTE's from the next CTE of its WITH on, in its own body only when recursive; `scope` holds what is
  // visible.
  void Visit(const json& node, const std::set<std::string>& scope) {
    if (node.is_array()) {
      for (const json& child : node) Visit(child, scope);
      return;
    }
    if (!node.is_object()) return;
    if (node.value("type", json()) == "BASE_TABLE") NoteTable(node, scope);
    auto ctes = node.find("cte_map");
    if (ctes == node.end()) return VisitChildren(node, scope);
    VisitChildren(node, VisitCtes(*ctes, scope));
  }
  std::vector<std::string> InOrder() {
    std::ranges::stable_sort(mentions_, {}, &Mention::position);
    std::vector<std::string> names;
    for (Mention& mention : mentions_) {
      if (std::ranges::find(names, mention.table) == names.end()) names.push_back(std::move(mention.table));
    }
    return names;
  }

 private:
  void VisitChildren(const json& node, const std::set<std::string>& scope) {
    for (const auto& [key, child] : node.items()) {
      if (key != "cte_map") Visit(child, scope);
    }
  }
  std::set<std::string> VisitCtes(const json& ctes, std::set<std::string> scope) {
    auto map = ctes.find("map");
    if (map == ctes.end()) return scope;
    for (const json& entry : *map) {
      std::string name = Lower(entry.value("key", ""));
      const json& body = entry.at("value").at("query").at("node");
      std::set<std::string> inner = scope;
      if (body.value("type", "") == "RECURSIVE_CTE_NODE") inner.insert(name);
      Visit(body, inner);
      scope.insert(std::move(name));
    }
    return scope;
  }
  void NoteTable(const json& node, const std::set<std::string>& scope) {
    std::string name = node.value("table_name", "");
    std::string schema = node.value("schema_name", "");
    if (schema.empty() && scope.contains(Lower(name))) return;
    mentions_.push_back({node.value("query_location", uint64_t{0}), schema.empty() ? name : schema + "." + name});
  }

  std::vector<Mention> mentions_;
};

}  // namespace

Result<std::vector<std::string>> DuckSession::ReferencedTables(std::string_view sql) {
  FEEDMILL_ASSIGN(std::string tree, ParseSelect(sql));
  auto document = json::parse(tree, nullptr, false);
  if (!document.contains("statements") || document["statements"].size() != 1) {
    return InvalidArgument("found {} statements; allowed: one SELECT",
                           document.value("statements", json::array()).size());
  }
  TableFinder finder;
  finder.Visit(document["statements"][0], {});
  return finder.InOrder();
}

}  // namespace feedmill::query
