#include "domain/domain.h"

#include <algorithm>
#include <functional>

#include <fmt/ranges.h>

#include "base/config_table.h"
#include "domain/embedded_legacy.h"

namespace feedmill::domain {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr size_t kPropertyBytesMax = 128;

// Names become columns, features and metrics.
bool IsName(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= kNameBytesMax && name[0] >= 'a' && name[0] <= 'z' &&
         std::ranges::all_of(name, good);
}
constexpr std::string_view kNameRule = "a name of small letters, digits and _ that begins with a letter, 64 at most";

// Reads one domain; the first mistake ends it.
class DomainReader {
 public:
  explicit DomainReader(const ConfigDocument& document) : document_(document), root_(document, &document.root, "") {}

  Result<Domain> Read() {
    FEEDMILL_TRY(ReadEach("item", kItemKindsMax, [this](auto& name, auto& table) { return ReadItem(name, table); }));
    if (std::ranges::count_if(domain_.items, &ItemKind::IsUsers) + 1 != std::ssize(domain_.items)) {
      return InvalidArgument("{}: found {} [item.NAME]; allowed: one that a scene shows, and one whose id is \"{}\"",
                             document_.file, domain_.items.size(), kUserId);
    }
    FEEDMILL_TRY(ReadEach("action", kActionsMax, [this](auto& name, auto& table) { return ReadAction(name, table); }));
    FEEDMILL_TRY(
        ReadEach("relation", kRelationsMax, [this](auto& name, auto& table) { return ReadRelation(name, table); }));
    ConfigTable context = root_.Table("context");
    ReadFields(context, &domain_.context);
    FEEDMILL_TRY(context.Done());
    FEEDMILL_TRY(root_.Done());
    return std::move(domain_);
  }

 private:
  using ReadOne = std::function<Status(const std::string& name, ConfigTable& table)>;

  Status ReadEach(std::string_view noun, size_t count_max, const ReadOne& read) {
    auto tables = root_.Tables(noun);
    FEEDMILL_TRY(root_.Good());
    if (tables.size() > count_max)
      return InvalidArgument("{}: found {} [{}.NAME]; allowed: {}", document_.file, tables.size(), noun, count_max);
    for (auto& [name, table] : tables) {
      if (!IsName(name))
        return InvalidArgument("{}: found [{}.{}]; allowed: {}", document_.file, noun, name, kNameRule);
      FEEDMILL_TRY(read(name, table));
      FEEDMILL_TRY(table.Done());
    }
    return Ok();
  }

  Status ReadItem(const std::string& name, ConfigTable& table) {
    ItemKind item;
    item.name = name;
    Need(table, "id", &item.id);
    Property(table, "made_by", &item.made_by);
    Property(table, "author_stated", &item.author_stated);
    if (item.IsUsers() && !item.made_by.empty()) table.Refuse("made_by", "nothing: users exist from their first event");
    Property(table, item.IsUsers() ? "categories" : "category", &item.category);
    ReadFields(table, &item.fields);
    if (!item.IsUsers()) ReadMade(table, &item);
    for (const Field& field : item.fields) {
      const bool known = field.name == item.id || field.name == item.category ||
                         std::ranges::find(item.numbers, field.name) != item.numbers.end();
      if (known)
        table.Refuse("fields", fmt::format("other properties than \"{}\", which rules know already", field.name));
    }
    domain_.items.push_back(std::move(item));
    return table.Good();
  }

  // fields = { lang = "text", adult = "boolean" }
  static void ReadFields(ConfigTable& table, std::vector<Field>* fields) {
    using Type = FieldType;
    ConfigTable types = table.Table("fields");
    for (const std::string& name : types.Keys()) {
      Field field{name, Type::kText};
      types.OneOf<Type>(name,
                        {{FieldTypeName(Type::kText), Type::kText},
                         {FieldTypeName(Type::kTexts), Type::kTexts},
                         {FieldTypeName(Type::kNumber), Type::kNumber},
                         {FieldTypeName(Type::kBoolean), Type::kBoolean},
                         {FieldTypeName(Type::kTime), Type::kTime}},
                        &field.type);
      if (!IsName(name)) types.Refuse(name, kNameRule);
      fields->push_back(std::move(field));
    }
    if (fields->size() > kFieldsMax) types.Refuse(fields->back().name, fmt::format("at most {} fields", kFieldsMax));
    table.Take(types.Done());
  }

  // What is known of an item from the event that makes it.
  static void ReadMade(ConfigTable& table, ItemKind* item) {
    Property(table, "removed_by", &item->removed_by);
    if (!item->removed_by.empty() && item->removed_by == item->made_by)
      table.Refuse("removed_by", "another event than made_by");
    Property(table, "withdrawn_by", &item->withdrawn_by);
    Property(table, "restored_by", &item->restored_by);
    if (item->withdrawn_by.empty() && !item->restored_by.empty())
      table.Refuse("restored_by", "nothing, while there is no withdrawn_by");
    if (!item->withdrawn_by.empty() && item->withdrawn_by == item->restored_by)
      table.Refuse("restored_by", "another event than withdrawn_by");
    Property(table, "title", &item->title);
    table.Texts("numbers", &item->numbers);
    const auto good = [](const std::string& name) { return IsName(name); };
    if (item->numbers.size() > kNumbersMax || !std::ranges::all_of(item->numbers, good))
      table.Refuse("numbers", fmt::format("a list of at most {} properties, each {}", kNumbersMax, kNameRule));
    for (const char* made : {"removed_by", "title", "numbers", "fields"}) {
      if (item->made_by.empty() && table.Has(made)) table.Refuse(made, "nothing, while there is no made_by");
    }
  }

  Status ReadAction(const std::string& name, ConfigTable& table) {
    Action action;
    action.name = name;
    action.item = PlaceOfShown();
    ReadEvents(table, &action);
    Property(table, "when", &action.when);
    ReadItemName(table, &action.item);
    action.id = domain_.items[action.item].id;
    Property(table, "id", &action.id);
    Property(table, "author", &action.author);
    table.Boolean("counted", &action.counted);
    table.Boolean("shown", &action.shown);
    table.Boolean("seen", &action.seen);
    table.Number("taste", -1000, 1000, &action.taste);
    ReadValue(table, &action);
    ReadHides(table, &action);
    table.Text("said", &action.said);
    ReadLabel(table, &action);
    ReadIcon(table, &action);
    if (action.shown && std::ranges::any_of(domain_.actions, &Action::shown))
      table.Refuse("shown", "true for one action alone");
    if (action.shown && !action.counted) table.Refuse("counted", "true, as the action is shown = true");
    domain_.actions.push_back(std::move(action));
    return table.Good();
  }

  // `event = ".."` or `events = [".."]`.
  static void ReadEvents(ConfigTable& table, Action* action) {
    std::string event;
    Property(table, "event", &event);
    table.Texts("events", &action->events);
    if (table.Has("event") && table.Has("events")) table.Refuse("events", "one of event and events");
    if (!event.empty()) action->events.push_back(event);
    const auto good = [](const std::string& name) { return name.size() <= kPropertyBytesMax; };
    if (action->events.empty() || !std::ranges::all_of(action->events, good))
      table.Refuse("event", "the name of an event, or events = [..]");
  }

  static void ReadValue(ConfigTable& table, Action* action) {
    Property(table, "value", &action->value);
    table.Number("scale", 1e-9, 1e9, &action->scale);
    table.Number("value_max", 1e-9, 1e12, &action->value_max);
    if (!action->value.empty() && !table.Has("value_max")) table.Refuse("value_max", "the largest value that counts");
    for (const char* of_value : {"scale", "value_max"}) {
      if (action->value.empty() && table.Has(of_value)) table.Refuse(of_value, "nothing, while there is no value");
    }
  }

  static void ReadHides(ConfigTable& table, Action* action) {
    std::vector<std::string> names;
    table.Texts("hides", &names);
    for (const std::string& name : names) {
      action->hides_item |= name == "item";
      action->hides_author |= name == "author";
      if (name != "item" && name != "author") table.Refuse("hides", "a list of \"item\" and \"author\"");
    }
  }

  void ReadLabel(ConfigTable& table, Action* action) {
    table.Text("label", &action->label);
    if (!table.Has("label")) return;
    if (!IsName(action->label)) return table.Refuse("label", kNameRule);
    if (!action->IsOutcome()) return table.Refuse("label", "nothing: what is shown or not counted is not learned");
    const std::vector<const Action*> others = domain_.Labelled();
    if (std::ranges::find(others, action->label, &Action::label) != others.end())
      return table.Refuse("label", "a column that no other action has");
    if (others.size() == kLabelsMax) table.Refuse("label", fmt::format("{} actions with a label", kLabelsMax));
  }

  void ReadIcon(ConfigTable& table, Action* action) const {
    table.Text("icon", &action->icon);
    if (table.Has("icon") && std::ranges::find(kIcons, action->icon) == std::end(kIcons))
      return table.Refuse("icon", fmt::format("{}", fmt::join(kIcons, ", ")));
    if (table.Has("icon")) return;
    action->icon = action->hides_item || action->hides_author ? "crossed_eye"
                   : domain_.items[action->item].IsUsers()    ? "person"
                                                              : "star";
  }

  Status ReadRelation(const std::string& name, ConfigTable& table) {
    Relation relation;
    relation.name = name;
    Need(table, "id", &relation.id);
    Need(table, "add", &relation.add);
    Property(table, "remove", &relation.remove);
    if (relation.remove == relation.add && !relation.add.empty()) table.Refuse("remove", "another event than add");
    using Hides = Relation::Hides;
    table.OneOf<Hides>("hides", {{"far", Hides::kFar}, {"both", Hides::kBoth}}, &relation.hides);
    if (relation.hides == Hides::kNothing && domain_.Followed() != nullptr) {
      table.Refuse("hides", fmt::format("\"far\" or \"both\": one relation without it, which is \"{}\"",
                                        domain_.Followed()->name));
    }
    domain_.relations.push_back(std::move(relation));
    return table.Good();
  }

  void ReadItemName(ConfigTable& table, size_t* place) {
    std::string name = domain_.items[*place].name;
    table.Text("item", &name);
    const auto found = std::ranges::find(domain_.items, name, &ItemKind::name);
    if (found == domain_.items.end()) return table.Refuse("item", "the name of an [item.NAME]");
    *place = static_cast<size_t>(found - domain_.items.begin());
  }

  size_t PlaceOfShown() const { return static_cast<size_t>(&domain_.Shown() - domain_.items.data()); }

  static void Need(ConfigTable& table, std::string_view key, std::string* text) {
    Property(table, key, text);
    if (text->empty()) table.Refuse(key, "a text of 1 to 128 bytes");
  }

  // The name of an event or of a property.
  static void Property(ConfigTable& table, std::string_view key, std::string* text) {
    table.Text(key, text);
    if (table.Has(key) && (text->empty() || text->size() > kPropertyBytesMax))
      table.Refuse(key, "a text of 1 to 128 bytes");
  }

  const ConfigDocument& document_;
  ConfigTable root_;
  Domain domain_;
};

}  // namespace

std::string_view FieldTypeName(FieldType type) {
  constexpr std::string_view kNames[] = {"text", "texts", "number", "boolean", "time"};
  return kNames[static_cast<size_t>(type)];
}

const Action* Domain::FindAction(std::string_view name) const {
  const auto found = std::ranges::find(actions, name, &Action::name);
  return found == actions.end() ? nullptr : &*found;
}

std::vector<const Action*> Domain::Labelled() const {
  std::vector<const Action*> labelled;
  for (const Action& action : actions) {
    if (!action.label.empty()) labelled.push_back(&action);
  }
  return labelled;
}

const Relation* Domain::Followed() const {
  const auto found = std::ranges::find(relations, Relation::Hides::kNothing, &Relation::hides);
  return found == relations.end() ? nullptr : &*found;
}

const ItemKind& Domain::Shown() const { return *std::ranges::find_if_not(items, &ItemKind::IsUsers); }
const ItemKind& Domain::Users() const { return *std::ranges::find_if(items, &ItemKind::IsUsers); }

float Action::Weight(double value_of_event) const {
  if (value.empty()) return 1;
  return static_cast<float>(std::clamp(value_of_event * scale, 0.0, value_max));
}

std::string Relation::Meaning() const { return fmt::format("id {} add {} remove {}", id, add, remove); }

std::string MeaningOf(const Domain& domain, const Action& action) {
  const ItemKind& item = domain.items[action.item];
  return fmt::format("events {} when {} id {} of {} made_by {} stated {} author {} value {} {} {}",
                     fmt::join(action.events, ","), action.when, action.id, item.id, item.made_by, item.author_stated,
                     action.author, action.value, action.scale, action.value_max);
}

Result<DomainPtr> ParseDomain(std::string_view file, std::string_view text) {
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(file, text));
  FEEDMILL_ASSIGN(Domain domain, DomainReader(document).Read());
  return std::make_shared<const Domain>(std::move(domain));
}

const DomainPtr& LegacyDomain() {
  static const DomainPtr kDomain = *ParseDomain("legacy/domain.toml", EmbeddedLegacy().front().content);
  return kDomain;
}

Result<DomainPtr> LoadDomain(io::FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(const bool exists, files.Exists(path));
  if (!exists) return LegacyDomain();
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, path));
  return ParseDomain(path, text);
}

}  // namespace feedmill::domain
