#include "warehouse/sql_lint.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "query/sql_error.h"

namespace feedmill::warehouse {
namespace {

using nlohmann::json;

bool Filled(const json& node, const char* member) {
  auto found = node.find(member);
  return found != node.end() && !found->is_null() && !(found->is_structured() && found->empty());
}

std::string Text(const json& node, const char* member) {
  auto found = node.find(member);
  return found != node.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// Where a node stands, when it says so.
size_t Place(const json& node, size_t parent) {
  auto found = node.find("query_location");
  if (found == node.end() || !found->is_number_unsigned()) return parent;
  size_t place = found->get<size_t>();
  return place == static_cast<size_t>(-1) ? parent : place;
}

class Linter {
 public:
  Linter(std::string_view file, std::string_view sql) : file_(file), sql_(sql) {}

  void Visit(const json& node, size_t place) {
    if (node.is_object()) {
      place = Place(node, place);
      Check(node, place);
    }
    if (node.is_structured()) {
      for (const json& child : node) Visit(child, place);
    }
  }
  std::vector<std::string> findings() { return std::move(findings_); }

 private:
  void Say(size_t place, std::string_view what) {
    auto line =
        1 + std::count(sql_.begin(), sql_.begin() + static_cast<std::ptrdiff_t>(std::min(place, sql_.size())), '\n');
    std::string text = fmt::format("{}:{}: {}", file_, line, what);
    if (std::ranges::find(findings_, text) == findings_.end()) findings_.push_back(std::move(text));
  }

  void Check(const json& node, size_t place) {
    if (Filled(node, "qualify"))
      Say(Place(node["qualify"], place), "QUALIFY is DuckDB's only; filter row_number() in an outer SELECT");
    std::string type = Text(node, "type");
    if (type == "STAR") CheckStar(node, place);
    if (type == "PIVOT") Say(place, "PIVOT is not the same everywhere; write the columns with CASE WHEN");
    if (type == "TABLE_FUNCTION") CheckTableFunction(node, place);
    if (type == "POSITIONAL_JOIN" || Text(node, "ref_type") == "ASOF")
      Say(place, "this kind of join is DuckDB's only; join by ranges");
    for (const char* orders : {"orders", "order_bys"}) {
      if (node.contains(orders)) CheckOrders(node[orders], place);
    }
  }
  void CheckStar(const json& node, size_t place) {
    if (Filled(node, "exclude_list") || Filled(node, "qualified_exclude_list"))
      Say(place, "EXCLUDE is DuckDB's only; name the columns");
    if (Filled(node, "replace_list") || Filled(node, "rename_list"))
      Say(place, "REPLACE is DuckDB's only; name the columns");
    if (node.value("columns", false)) Say(place, "COLUMNS() is DuckDB's only; name the columns");
  }
  void CheckTableFunction(const json& node, size_t place) {
    static const std::set<std::string> allowed = {"unnest", "range", "generate_series"};
    std::string name = node.contains("function") ? Text(node["function"], "function_name") : "";
    if (!allowed.contains(name))
      Say(place, fmt::format("table function '{}'; allowed: tables, unnest, range, generate_series", name));
  }
  void CheckOrders(const json& orders, size_t place) {
    if (orders.is_object()) {
      if (orders.contains("orders")) CheckOrders(orders["orders"], place);
      return;
    }
    if (!orders.is_array()) return;
    for (const json& order : orders) {
      if (!order.is_object() || Text(order, "null_order") != "ORDER_DEFAULT") continue;
      size_t where = order.contains("expression") ? Place(order["expression"], place) : place;
      Say(where, "ORDER BY without NULLS FIRST or NULLS LAST; the default differs between engines");
    }
  }

  std::string_view file_;
  std::string_view sql_;
  std::vector<std::string> findings_;
};

const json* SelectList(const json& document) {
  auto statements = document.find("statements");
  if (statements == document.end() || statements->empty()) return nullptr;
  const json* node = &(*statements)[0]["node"];
  while (node->is_object() && node->contains("left")) node = &(*node)["left"];
  return node->is_object() && node->contains("select_list") ? &(*node)["select_list"] : nullptr;
}

int LineAt(std::string_view sql, size_t place) {
  if (place > sql.size()) return 0;
  return static_cast<int>(1 + std::count(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(place), '\n'));
}

class Comparisons {
 public:
  Comparisons(std::string_view sql, const std::vector<std::string_view>& columns) : sql_(sql), columns_(columns) {}

  void Visit(const json& node) {
    if (node.is_array() || node.is_object()) {
      for (const json& member : node) Visit(member);
    }
    if (!node.is_object()) return;
    const std::string type = Text(node, "type");
    const bool compares = type == "COMPARE_EQUAL" || type == "COMPARE_NOTEQUAL";
    if (compares && node.contains("left") && node.contains("right")) Compare({&node["left"], &node["right"]});
    if ((type == "COMPARE_IN" || type == "COMPARE_NOT_IN") && node.contains("children")) {
      std::vector<const json*> sides;
      for (const json& child : node["children"]) sides.push_back(&child);
      Compare(sides);
    }
  }

  std::vector<ComparedText> texts;

 private:
  bool IsColumn(const json& node) const {
    if (Text(node, "class") != "COLUMN_REF" || !node.contains("column_names") || node["column_names"].empty())
      return false;
    const json& name = node["column_names"].back();
    return name.is_string() && std::ranges::find(columns_, name.get<std::string>()) != columns_.end();
  }

  void Compare(const std::vector<const json*>& sides) {
    if (!std::ranges::any_of(sides, [this](const json* side) { return IsColumn(*side); })) return;
    for (const json* side : sides) {
      if (Text(*side, "class") != "CONSTANT" || !side->contains("value")) continue;
      const json& value = (*side)["value"];
      if (value.is_object() && value.contains("value") && value["value"].is_string())
        texts.push_back({value["value"].get<std::string>(), LineAt(sql_, Place(*side, std::string_view::npos))});
    }
  }

  std::string_view sql_;
  const std::vector<std::string_view>& columns_;
};

}  // namespace

std::vector<ComparedText> ComparedTexts(std::string_view sql, std::string_view tree,
                                        const std::vector<std::string_view>& columns) {
  const auto document = json::parse(tree, nullptr, false);
  Comparisons comparisons(sql, columns);
  comparisons.Visit(document);
  return std::move(comparisons.texts);
}

std::vector<std::string> LintSql(std::string_view file, std::string_view sql, std::string_view tree) {
  auto document = json::parse(tree, nullptr, false);
  Linter linter(file, sql);
  linter.Visit(document, 0);
  std::vector<std::string> findings = linter.findings();
  if (query::FirstWord(sql) == "FROM")
    findings.push_back(fmt::format("{}: FROM before SELECT is DuckDB's only; begin with SELECT or WITH", file));
  return findings;
}

int LineOfColumn(std::string_view sql, std::string_view tree, std::string_view name) {
  auto document = json::parse(tree, nullptr, false);
  if (!document.is_object()) return 0;
  const json* list = SelectList(document);
  if (list == nullptr) return 0;
  for (const json& entry : *list) {
    std::string alias = Text(entry, "alias");
    if (alias.empty() && entry.contains("column_names") && !entry["column_names"].empty())
      alias = entry["column_names"].back();
    if (alias != name) continue;
    // A cast or an operator may have no place of its own; its first child has.
    const json* node = &entry;
    while (Place(*node, std::string_view::npos) == std::string_view::npos && node->contains("child"))
      node = &(*node)["child"];
    return LineAt(sql, Place(*node, std::string_view::npos));
  }
  return 0;
}

}  // namespace feedmill::warehouse
