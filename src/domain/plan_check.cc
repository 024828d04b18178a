#include "domain/plan_check.h"

namespace feedmill::domain {
namespace {

std::string_view NameOf(PropertyType type) {
  switch (type) {
    case PropertyType::kText:
      return "a text";
    case PropertyType::kTexts:
      return "a list of texts";
    case PropertyType::kInteger:
    case PropertyType::kNumber:
      return "a number";
    case PropertyType::kBoolean:
      return "true or false";
    case PropertyType::kOther:
      break;
  }
  return "of another type";
}

constexpr std::string_view kIdentify = "identify";

PropertyType PropertyTypeOf(FieldType type) {
  constexpr PropertyType kTypes[] = {PropertyType::kText, PropertyType::kTexts, PropertyType::kNumber,
                                     PropertyType::kBoolean, PropertyType::kText};
  return kTypes[static_cast<size_t>(type)];
}

class Checker {
 public:
  Checker(const Domain& domain, std::string_view file, const PlanView& plan)
      : domain_(domain), file_(file), plan_(plan) {}

  Status Check() {
    for (const ItemKind& item : domain_.items) CheckItem(item);
    for (const Action& action : domain_.actions) CheckAction(action);
    for (const Relation& relation : domain_.relations) CheckRelation(relation);
    if (faults_.empty()) return Ok();
    return InvalidArgument("{}", faults_);
  }

 private:
  void CheckItem(const ItemKind& item) {
    const std::string where = "item." + item.name;
    if (item.IsUsers()) {
      if (!item.category.empty()) HasProperty(where, "categories", kIdentify, item.category, PropertyType::kTexts);
      CheckFields(where, kIdentify, item.fields);
      return;
    }
    for (const auto& [key, event] : {std::pair("withdrawn_by", item.withdrawn_by), {"restored_by", item.restored_by}}) {
      if (!event.empty() && HasEvent(where, key, event)) HasProperty(where, key, event, item.id, PropertyType::kText);
    }
    if (item.made_by.empty() || !HasEvent(where, "made_by", item.made_by)) return;
    HasProperty(where, "id", item.made_by, item.id, PropertyType::kText);
    if (!item.removed_by.empty() && HasEvent(where, "removed_by", item.removed_by))
      HasProperty(where, "removed_by", item.removed_by, item.id, PropertyType::kText);
    if (!item.category.empty()) HasProperty(where, "category", item.made_by, item.category, PropertyType::kText);
    if (!item.title.empty()) HasProperty(where, "title", item.made_by, item.title, PropertyType::kText);
    for (const std::string& number : item.numbers)
      HasProperty(where, "numbers", item.made_by, number, PropertyType::kNumber);
    CheckFields(where, item.made_by, item.fields);
  }

  void CheckFields(const std::string& where, std::string_view event, const std::vector<Field>& fields) {
    for (const Field& field : fields) HasProperty(where, "fields", event, field.name, PropertyTypeOf(field.type));
  }

  void CheckAction(const Action& action) {
    const std::string where = "action." + action.name;
    bool has_when = action.when.empty();
    bool has_author = action.author.empty();
    for (const std::string& event : action.events) {
      if (!HasEvent(where, "event", event)) return;
      has_when |= plan_.type_of(event, action.when).has_value();
      has_author |= plan_.type_of(event, action.author) == PropertyType::kText;
      HasProperty(where, "id", event, action.id, PropertyType::kText);
      if (!action.value.empty()) HasProperty(where, "value", event, action.value, PropertyType::kNumber);
    }
    if (!has_when) Fault(where, "when", action.when, "a property of one of its events");
    if (!has_author) Fault(where, "author", action.author, "a text property of one of its events");
  }

  void CheckRelation(const Relation& relation) {
    const std::string where = "relation." + relation.name;
    if (HasEvent(where, "add", relation.add)) HasProperty(where, "id", relation.add, relation.id, PropertyType::kText);
    if (!relation.remove.empty() && HasEvent(where, "remove", relation.remove))
      HasProperty(where, "id", relation.remove, relation.id, PropertyType::kText);
  }

  bool HasEvent(std::string_view where, std::string_view key, std::string_view event) {
    if (plan_.has_event(event)) return true;
    Fault(where, key, event, "an event of the tracking plan (events/NAME.json)");
    return false;
  }

  void HasProperty(std::string_view where, std::string_view key, std::string_view event, std::string_view property,
                   PropertyType type) {
    if (property == kUserId) return;
    auto found = plan_.type_of(event, property);
    if (found == PropertyType::kInteger) found = PropertyType::kNumber;
    if (found == type) return;
    std::string allowed = fmt::format("a property of events/{}.json that is {}", event, NameOf(type));
    if (found) allowed += fmt::format("; there it is {}", NameOf(*found));
    Fault(where, key, property, allowed);
  }

  void Fault(std::string_view where, std::string_view key, std::string_view found, std::string_view allowed) {
    if (!faults_.empty()) faults_ += '\n';
    faults_ += fmt::format("{}: [{}] {}: found \"{}\"; allowed: {}", file_, where, key, found, allowed);
  }

  const Domain& domain_;
  std::string_view file_;
  const PlanView& plan_;
  std::string faults_;
};

}  // namespace

Status CheckAgainstPlan(const Domain& domain, std::string_view file, const PlanView& plan) {
  return Checker(domain, file, plan).Check();
}

}  // namespace feedmill::domain
