#include "ingest/tracking_plan.h"

#include <algorithm>
#include <array>
#include <map>

#include "ingest/event_tables.h"
#include "ingest/tracking_plan_internal.h"

namespace feedmill::ingest {
namespace {

constexpr std::string_view kSuffix = ".json";
constexpr size_t kNameBytesMax = 128;
constexpr size_t kColumnBytesMax = 63;
constexpr std::array<std::string_view, 5> kOtherTypes = {"identify", "page", "screen", "group", "alias"};

bool IsOtherType(std::string_view name) { return std::ranges::find(kOtherTypes, name) != kOtherTypes.end(); }

std::string LowerCase(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool CanBeColumn(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto allowed = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kColumnBytesMax && letter(name[0]) && std::ranges::all_of(name, allowed);
}

// The column type of a scalar property; nothing for objects, arrays and mixtures, which stay JSON only.
std::optional<ColumnType> ColumnTypeOf(uint8_t types) {
  switch (types & ~kJsonNull) {
    case kJsonString:
      return ColumnType::kString;
    case kJsonInteger:
      return ColumnType::kLong;
    case kJsonNumber:
    case kJsonNumber | kJsonInteger:
      return ColumnType::kDouble;
    case kJsonBoolean:
      return ColumnType::kBoolean;
    default:
      return std::nullopt;
  }
}

PropertyType PropertyTypeOf(const ValueSchema& schema) {
  switch (schema.types & ~kJsonNull) {
    case kJsonString:
      return PropertyType::kText;
    case kJsonInteger:
      return PropertyType::kInteger;
    case kJsonNumber:
    case kJsonNumber | kJsonInteger:
      return PropertyType::kNumber;
    case kJsonBoolean:
      return PropertyType::kBoolean;
    case kJsonArray:
      return schema.items && (schema.items->types & ~kJsonNull) == kJsonString ? PropertyType::kTexts
                                                                               : PropertyType::kOther;
    default:
      return PropertyType::kOther;
  }
}

}  // namespace

TrackingPlan::TrackingPlan() : parts_(std::make_unique<Parts>()) {}
TrackingPlan::~TrackingPlan() = default;

const ValueSchema* TrackingPlan::Find(std::string_view type, std::string_view event) const {
  const SchemasByName& schemas = type == "track" ? parts_->events : parts_->types;
  auto found = schemas.find(type == "track" ? event : type);
  return found == schemas.end() ? nullptr : &found->second;
}

bool TrackingPlan::FromServersAlone(std::string_view event) const {
  const ValueSchema* schema = Find("track", event);
  return schema != nullptr && schema->servers_only;
}

std::optional<PropertyType> TrackingPlan::TypeOf(std::string_view type, std::string_view event,
                                                 std::string_view property) const {
  const ValueSchema* schema = Find(type, event);
  if (schema == nullptr) return std::nullopt;
  const auto found = std::ranges::find(schema->properties, property, &ValueSchema::Property::name);
  return found == schema->properties.end() ? std::nullopt : std::optional(PropertyTypeOf(found->schema));
}

class PlanLoader {
 public:
  PlanLoader(io::FileSystem& files, std::string folder)
      : files_(files), folder_(std::move(folder)), plan_(std::shared_ptr<TrackingPlan>(new TrackingPlan())) {
    for (const auto& column : StandardEventColumns()) columns_.emplace(column.name, OwnedColumn{column, ""});
  }

  Result<std::shared_ptr<const TrackingPlan>> Load() {
    FEEDMILL_ASSIGN(auto names, files_.List(folder_));
    for (const auto& name : names) {
      if (name.ends_with(kSuffix)) LoadFile(folder_ + "/" + name, name.substr(0, name.size() - kSuffix.size()));
    }
    if (plan_->parts_->events.empty() && faults_.empty()) {
      Fault(folder_, 1, "no event: at least one file <event>.json is needed");
    }
    if (!faults_.empty()) return InvalidArgument("{}", fmt::join(faults_, "\n"));
    for (auto& [name, owned] : columns_) {
      if (!owned.place.empty()) plan_->typed_columns_.push_back(std::move(owned.column));
    }
    std::ranges::sort(plan_->event_names_);
    return std::shared_ptr<const TrackingPlan>(std::move(plan_));
  }

 private:
  struct OwnedColumn {
    Column column;
    std::string place;  // file and line that named it first; empty for standard columns
  };

  static std::string StandardNames() {
    std::string names;
    for (const Column& column : StandardEventColumns()) names += (names.empty() ? "" : ", ") + column.name;
    return names;
  }

  void Fault(std::string_view path, int line, std::string_view message) {
    faults_.push_back(fmt::format("{}:{}: {}", path, line, message));
  }

  void LoadFile(const std::string& path, const std::string& stem) {
    auto text = io::ReadWholeFile(files_, path);
    if (!text) return Fault(path, 1, text.error().message());
    auto json = ParseLocatedJson(*text);
    if (!json) return Fault(path, LineOf(json.error().message()), json.error().message());
    std::vector<SchemaFault> faults;
    ValueSchema schema = ReadValueSchema(*json, &faults);
    for (const auto& fault : faults) Fault(path, fault.line, fault.message);
    if (faults.empty() && schema.types != kJsonObject)
      Fault(path, schema.line, "an event's schema must say \"type\": \"object\"");
    if (!IsOtherType(stem) || stem == "page" || stem == "screen") AddColumns(path, schema);
    AddSchema(path, stem, *json, std::move(schema));
  }

  // "line 7: ..." -> 7
  static int LineOf(std::string_view message) {
    return message.starts_with("line ") ? std::atoi(message.data() + 5) : 1;
  }

  void AddSchema(const std::string& path, const std::string& stem, const LocatedJson& json, ValueSchema schema) {
    std::string name = stem;
    int line = json.line;
    for (const auto& member : json.members) {
      if (member.name == "title" && member.value.kind == LocatedJson::Kind::kString) {
        name = member.value.text;
        line = member.line;
      }
    }
    if (IsOtherType(stem) != IsOtherType(name) || (IsOtherType(stem) && stem != name)) {
      return Fault(
          path, line,
          fmt::format("title '{}': file and title of identify, page, screen, group and alias must be that word", name));
    }
    if (name.empty() || name.size() > kNameBytesMax) {
      return Fault(path, line, fmt::format("title has {} bytes, 1 to {} are allowed", name.size(), kNameBytesMax));
    }
    SchemasByName& schemas = IsOtherType(stem) ? plan_->parts_->types : plan_->parts_->events;
    if (!schemas.emplace(name, std::move(schema)).second)
      return Fault(path, line, fmt::format("event '{}' has a file already", name));
    if (!IsOtherType(stem)) plan_->event_names_.push_back(name);
  }

  void AddColumns(const std::string& path, const ValueSchema& schema) {
    for (const auto& property : schema.properties) {
      if (auto type = ColumnTypeOf(property.schema.types)) AddColumn(path, property, *type);
    }
  }

  void AddColumn(const std::string& path, const ValueSchema::Property& property, ColumnType type) {
    int line = property.schema.line;
    if (!CanBeColumn(property.name)) {
      return Fault(path, line,
                   fmt::format("property '{}' can be no column: letters, digits and _ are allowed, at most {}",
                               property.name, kColumnBytesMax));
    }
    Column column{0, property.name, type, false, property.description, 0};
    auto [found, added] =
        columns_.emplace(LowerCase(property.name), OwnedColumn{column, fmt::format("{}:{}", path, line)});
    const OwnedColumn& first = found->second;
    if (added) return;
    if (first.place.empty()) {
      return Fault(
          path, line,
          fmt::format("property '{}' has the name of a standard column of ods_event; allowed: other names than {}",
                      property.name, StandardNames()));
    }
    if (first.column.name != property.name || first.column.type != type) {
      Fault(path, line,
            fmt::format("property '{}' is {} here, and '{}' is {} at {}: one column cannot be both", property.name,
                        ColumnTypeName(type), first.column.name, ColumnTypeName(first.column.type), first.place));
    }
  }

  io::FileSystem& files_;
  std::string folder_;
  std::shared_ptr<TrackingPlan> plan_;
  std::map<std::string, OwnedColumn> columns_;  // by lower-case name: engines take names without case
  std::vector<std::string> faults_;
};

Result<std::shared_ptr<const TrackingPlan>> TrackingPlan::Load(io::FileSystem& files, const std::string& folder) {
  return PlanLoader(files, folder).Load();
}

}  // namespace feedmill::ingest
