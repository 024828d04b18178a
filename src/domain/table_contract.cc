#include "domain/table_contract.h"

#include <algorithm>

namespace feedmill::domain {
namespace {

using Types = std::vector<ColumnType>;

const Types kKey = {ColumnType::kLong};
const Types kText = {ColumnType::kString};
const Types kTime = {ColumnType::kTimestamptz};
const Types kWhole = {ColumnType::kInt, ColumnType::kLong};
const Types kNumber = {ColumnType::kInt, ColumnType::kLong, ColumnType::kFloat, ColumnType::kDouble};
const Types kFlag = {ColumnType::kInt, ColumnType::kLong, ColumnType::kBoolean};
const Types kAny = {};

class Contract {
 public:
  explicit Contract(const Domain& domain) : domain_(domain), shown_(domain.Shown()) {}

  std::vector<ReadColumn> Columns() {
    Dimensions();
    Actions();
    Impressions();
    if (!shown_.made_by.empty()) Versions();
    if (domain_.Followed() != nullptr) Relations();
    Lists();
    return std::move(columns_);
  }

 private:
  void Dimensions() {
    table_ = "dim_user";
    Add("user_key", kKey);
    Add("user_id", kText);
    table_ = "dim_" + shown_.name;
    Add(shown_.Key(), kKey, OfItem(""));
    Add(shown_.id, kText, OfItem("id"));
  }

  void Actions() {
    table_ = "dwd_user_action";
    Add("event_id", kText);
    Add("event_name", kText);
    Add("event_time", kTime);
    Add("user_key", kKey);
    Add("user_id", kText);
    Add(shown_.Key(), kKey, OfItem(""));
    Add(shown_.id, kText, OfItem("id"));
    Add("author_key", kKey);
    if (!shown_.category.empty()) Add(shown_.category, kText, OfItem("category"));
    for (const Action& action : domain_.actions) {
      if (!action.counted) continue;
      if (!action.value.empty()) Add(action.value, kNumber, "action." + action.name + ".value");
      if (!action.when.empty()) Add(action.when, kAny, "action." + action.name + ".when");
    }
  }

  void Impressions() {
    table_ = "dwd_impression";
    Add("event_id", kText);
    Add("event_time", kTime);
    Add("request_id", kText);
    Add("position", kWhole);
    Add("scene", kText);
    Add("source", kText);
    Add("user_key", kKey);
    Add("user_id", kText);
    Add(shown_.Key(), kKey, OfItem(""));
    Add(shown_.id, kText, OfItem("id"));
    Add("author_key", kKey);
    Add("author_id", kText);
    if (!shown_.category.empty()) Add(shown_.category, kText, OfItem("category"));
    for (const Action* action : domain_.Labelled()) Add(action->label, kFlag, "action." + action->name + ".label");
  }

  void Versions() {
    table_ = "dwd_" + shown_.name;
    Add(shown_.Key(), kKey, OfItem(""));
    Add("created_time", kTime);
    Add("valid_from", kTime);
    Add("version", kWhole);
    for (const std::string& number : shown_.numbers) Add(number, kNumber, OfItem("numbers"));
  }

  void Relations() {
    table_ = "dwd_user_relation";
    const std::string reason = "relation." + domain_.Followed()->name;
    Add("user_key", kKey, reason);
    Add("target_user_key", kKey, reason);
    Add("valid_from", kTime, reason);
    Add("valid_to", kTime, reason);
  }

  void Lists() {
    table_ = "ads_recall_i2i";
    Add(shown_.id, kText, OfItem("id"));
    Add("similar_" + shown_.id, kText, OfItem("id"));
    Add("score", kNumber);
    Add("place", kWhole);
    table_ = "ads_recall_u2u_cf";
    Add("user_id", kText);
    Add(shown_.id, kText, OfItem("id"));
    Add("score", kNumber);
    Add("place", kWhole);
    table_ = "ads_trending";
    Add(shown_.id, kText, OfItem("id"));
    Add("score", kNumber);
    if (shown_.category.empty()) return;
    Add(shown_.category, kText, OfItem("category"));
    Add("place", kWhole);
  }

  std::string OfItem(const char* entry) const { return "item." + shown_.name + (*entry == '\0' ? "" : ".") + entry; }

  void Add(const std::string& column, const Types& types, std::string reason = "") {
    const bool known = std::ranges::any_of(
        columns_, [&](const ReadColumn& other) { return other.table == table_ && other.column == column; });
    if (!known) columns_.push_back({table_, column, types, std::move(reason)});
  }

  const Domain& domain_;
  const ItemKind& shown_;
  std::string table_;
  std::vector<ReadColumn> columns_;
};

}  // namespace

std::vector<ReadColumn> ColumnsRead(const Domain& domain) { return Contract(domain).Columns(); }

}  // namespace feedmill::domain
