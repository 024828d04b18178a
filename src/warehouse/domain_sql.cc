#include "warehouse/domain_sql.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <vector>

#include <fmt/ranges.h>

#include "query/sql_text.h"
#include "warehouse/sql_pieces_internal.h"

namespace feedmill::warehouse {
namespace {

using domain::Action;
using domain::Domain;

// Of the events of those actions, each once.
template <typename Wanted>
std::string EventTexts(const Domain& domain, Wanted wanted) {
  std::vector<std::string> texts;
  for (const Action& action : domain.actions) {
    if (!std::invoke(wanted, action)) continue;
    for (const std::string& event : action.events) {
      std::string text = query::QuoteText(event);
      if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
    }
  }
  return texts.empty() ? "NULL" : fmt::format("{}", fmt::join(texts, ", "));
}

std::string IsAction(const Action& action) {
  std::vector<std::string> texts;
  for (const std::string& event : action.events) texts.push_back(query::QuoteText(event));
  std::string named = fmt::format("event_name IN ({})", fmt::join(texts, ", "));
  if (action.when.empty()) return named;
  return fmt::format("({} AND {} IS NOT NULL)", named, query::QuoteName(action.when));
}

bool IsLabelled(const Action& action) { return !action.label.empty(); }

// Of an item that is shown; how long or how dear something was tells nothing by the name alone.
bool HasTaste(const Domain& domain, const Action& action) {
  return action.IsOutcome() && action.taste != 0 && action.value.empty() && !domain.IsOfUsers(action);
}

// The strongest counts where one event is several actions.
std::string TasteCase(const Domain& domain) {
  std::vector<const Action*> actions;
  for (const Action& action : domain.actions) {
    if (HasTaste(domain, action)) actions.push_back(&action);
  }
  if (actions.empty()) return "0e0";
  std::ranges::stable_sort(actions, std::greater(), [](const Action* action) { return std::abs(action->taste); });
  std::string sql = "CASE";
  for (const Action* action : actions) sql += fmt::format(" WHEN {} THEN {:.6f}e0", IsAction(*action), action->taste);
  return sql + " ELSE 0e0 END";
}

std::map<std::string, std::string, std::less<>> ListsOf(const Domain& domain) {
  return {{"@shown_events", EventTexts(domain, &Action::shown)},
          {"@label_events", EventTexts(domain, IsLabelled)},
          {"@author_label_events", EventTexts(domain,
                                              [&](const Action& action) {
                                                return IsLabelled(action) &&
                                                       (!action.author.empty() || domain.IsOfUsers(action));
                                              })},
          {"@taste", TasteCase(domain)}};
}

class Expander {
 public:
  Expander(std::string_view file, std::string_view sql, const Domain& domain)
      : file_(file), sql_(sql), domain_(domain), lists_(ListsOf(domain)) {}

  Result<std::string> Expand() {
    std::string text;
    while (at_ < sql_.size()) {
      const SqlPiece piece = Next();
      const auto list = piece.IsVariable() ? lists_.find(piece.text) : lists_.end();
      if (piece.IsVariable() && piece.text == "@each_label") {
        FEEDMILL_TRY(EachLabel(&text));
      } else {
        text += list == lists_.end() ? piece.text : list->second;
      }
    }
    return text;
  }

 private:
  SqlPiece Next() {
    const SqlPiece piece = PieceAt(sql_, at_);
    at_ += piece.text.size();
    line_ += std::ranges::count(piece.text, '\n');
    return piece;
  }

  Status EachLabel(std::string* text) {
    const int64_t line = line_;
    const std::vector<const Action*> labelled = domain_.Labelled();
    if (labelled.empty())
      return InvalidArgument("{}:{}: @each_label: found no action with a label in domain.toml; at least one is needed",
                             file_, line);
    FEEDMILL_ASSIGN(const std::vector<SqlPiece> argument, Argument());
    for (const Action* action : labelled) {
      if (action != labelled.front()) *text += ", ";
      for (const SqlPiece& piece : argument) *text += InLabel(*action, piece);
    }
    text->append(static_cast<size_t>(line_ - line), '\n');
    return Ok();
  }

  // What stands in the parentheses that follow, without its line breaks.
  Result<std::vector<SqlPiece>> Argument() {
    const int64_t line = line_;
    std::vector<SqlPiece> pieces;
    int depth = 0;
    while (at_ < sql_.size()) {
      const SqlPiece piece = Next();
      if (piece.text == "(") ++depth;
      if (piece.text == ")") --depth;
      if (depth == 0 && piece.text == ")") return std::vector(pieces.begin() + 1, pieces.end());
      if (depth == 0) break;
      if (piece.kind == SqlPiece::Kind::kComment) continue;
      pieces.push_back(piece.text == "\n" ? SqlPiece{SqlPiece::Kind::kCode, " "} : piece);
    }
    return InvalidArgument("{}:{}: @each_label: allowed: @each_label(TEXT)", file_, line);
  }

  static std::string InLabel(const Action& action, const SqlPiece& piece) {
    if (!piece.IsVariable()) return std::string(piece.text);
    if (piece.text == "@label") return query::QuoteName(action.label);
    if (piece.text == "@action") return query::QuoteText(action.name);
    if (piece.text == "@is") return IsAction(action);
    return std::string(piece.text);
  }

  std::string_view file_;
  std::string_view sql_;
  const Domain& domain_;
  std::map<std::string, std::string, std::less<>> lists_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

Result<std::string> ExpandDomain(std::string_view file, std::string_view sql, const Domain& domain) {
  return Expander(file, sql, domain).Expand();
}

std::string DomainMacroNames() {
  std::string names = "@each_label";
  for (const auto& [name, text] : ListsOf(Domain{})) names += ", " + name;
  return names;
}

}  // namespace feedmill::warehouse
