#include "features/feature_set.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>
#include <tuple>

#include <fmt/ranges.h>

#include "base/config_document.h"
#include "base/hash.h"

namespace feedmill::features {
namespace {

constexpr size_t kFeaturesMax = 512;
constexpr size_t kNameBytesMax = 100;

constexpr std::array<std::string_view, 9> kKindNames = {"log_count",    "rate",           "age_hours",
                                                        "log_number",   "follows_author", "hour_of_day",
                                                        "last_seconds", "position",       "category"};
// What files of former releases say, in the words of the domain that was fixed then; a set's text, and so its hash,
// stays as it was.
std::string FormerAge() { return domain::LegacyDomain()->Shown().name + "_age_hours"; }
const std::string& FormerNumber() { return domain::LegacyDomain()->Shown().numbers.front(); }
constexpr std::array<std::string_view, 4> kHalfLifeNames = {"1h", "1d", "7d", "30d"};
constexpr std::array<Micros, 4> kHalfLives = {kMicrosPerHour, kMicrosPerDay, 7 * kMicrosPerDay, 30 * kMicrosPerDay};

std::string Join(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", name);
  return text;
}

std::string HalfLifeName(Micros half_life) {
  const auto found = std::ranges::find(kHalfLives, half_life);
  return std::string(kHalfLifeNames[static_cast<size_t>(found - kHalfLives.begin())]);
}

// One [[feature]] table, read field by field; every field read is remembered, so that the rest can be refused.
class FeatureReader {
 public:
  FeatureReader(const ConfigDocument& document, const ConfigNode& table) : document_(document), table_(table) {}

  Result<std::string> Text(std::string_view field) {
    FEEDMILL_ASSIGN(const ConfigNode* node, Need(field));
    if (node->kind != ConfigNode::Kind::kString) return Wrong(*node, field, "a text");
    return node->text;
  }
  Result<size_t> OneOf(std::string_view field, std::span<const std::string_view> names) {
    FEEDMILL_ASSIGN(const ConfigNode* node, Need(field));
    return IndexOf(*node, field, names);
  }
  Result<double> Number(std::string_view field, double low, double high) {
    FEEDMILL_ASSIGN(const ConfigNode* node, Need(field));
    const bool is_number = node->kind == ConfigNode::Kind::kReal || node->kind == ConfigNode::Kind::kInteger;
    const double value = node->kind == ConfigNode::Kind::kReal ? node->real : static_cast<double>(node->integer);
    if (!is_number || !(value >= low && value <= high))
      return Wrong(*node, field, fmt::format("a number from {} to {}", low, high));
    return value;
  }
  // Place of `name`, which the field stands for, among `names`.
  Result<int> PlaceOf(std::string_view field, std::string_view name, std::span<const std::string_view> names) {
    FEEDMILL_ASSIGN(const ConfigNode* node, Need(field));
    const auto found = std::ranges::find(names, name);
    if (found == names.end())
      return Wrong(*node, field, fmt::format("\"{}\" when it is one of the item's numbers (domain.toml)", name));
    return static_cast<int>(found - names.begin());
  }
  // `half_life = "1d"` or `half_lives = ["1h", "1d"]`; `*is_list` tells which.
  Result<std::vector<Micros>> HalfLives(bool* is_list) {
    *is_list = table_.Find("half_lives") != nullptr;
    if (!*is_list) {
      FEEDMILL_ASSIGN(size_t place, OneOf("half_life", kHalfLifeNames));
      return std::vector<Micros>{kHalfLives[place]};
    }
    FEEDMILL_ASSIGN(const ConfigNode* node, Need("half_lives"));
    if (node->kind != ConfigNode::Kind::kList || node->items.empty())
      return Wrong(*node, "half_lives", "a list of " + Join(kHalfLifeNames));
    std::vector<Micros> half_lives;
    for (const ConfigNode& item : node->items) {
      FEEDMILL_ASSIGN(size_t place, IndexOf(item, "half_lives", kHalfLifeNames));
      half_lives.push_back(kHalfLives[place]);
    }
    return half_lives;
  }
  // Refuses members that nobody asked for.
  Status CheckAllRead(std::string_view kind) const {
    for (const auto& [name, node] : table_.members) {
      if (read_.contains(name)) continue;
      std::string allowed;
      for (const std::string& field : read_) allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", field);
      return InvalidArgument("{}: field '{}' does not belong to kind \"{}\"; allowed: {}", document_.Where(node), name,
                             kind, allowed);
    }
    return Ok();
  }
  std::string Where() const { return document_.Where(table_); }

 private:
  Result<const ConfigNode*> Need(std::string_view field) {
    read_.emplace(field);
    const ConfigNode* node = table_.Find(field);
    if (node == nullptr) return InvalidArgument("{}: field '{}' is missing in this [[feature]]", Where(), field);
    return node;
  }
  std::unexpected<Error> Wrong(const ConfigNode& node, std::string_view field, std::string_view allowed) const {
    return InvalidArgument("{}: field '{}': found {}; allowed: {}", document_.Where(node), field, node.Describe(),
                           allowed);
  }
  Result<size_t> IndexOf(const ConfigNode& node, std::string_view field,
                         std::span<const std::string_view> names) const {
    const auto found = std::ranges::find(names, node.text);
    if (node.kind != ConfigNode::Kind::kString || found == names.end()) return Wrong(node, field, Join(names));
    return static_cast<size_t>(found - names.begin());
  }

  const ConfigDocument& document_;
  const ConfigNode& table_;
  std::set<std::string, std::less<>> read_;
};

// Collects features; counters get their final order at the end.
class SetBuilder {
 public:
  explicit SetBuilder(domain::DomainPtr domain) {
    for (int key = 0; key < kCounterKeyCount; ++key)
      key_texts_.push_back(CounterKeyName(*domain, static_cast<CounterKey>(key)));
    // Without a category there is no key of it.
    if (domain->Shown().category.empty()) key_texts_.pop_back();
    key_names_.assign(key_texts_.begin(), key_texts_.end());
    number_names_.assign(domain->Shown().numbers.begin(), domain->Shown().numbers.end());
    if (const std::string& category = domain->Shown().category; !category.empty()) properties_.push_back({category});
    for (size_t field = 0; field < domain->Shown().fields.size(); ++field) {
      const domain::Field& declared = domain->Shown().fields[field];
      if (declared.type == domain::FieldType::kText) properties_.push_back({declared.name, static_cast<int>(field)});
    }
    for (const CategoryProperty& property : properties_) property_names_.push_back(property.name);
    for (const domain::Action& action : domain->actions) {
      if (action.counted) action_names_.push_back(action.name);
      if (action.counted) actions_.push_back(static_cast<Action>(&action - domain->actions.data()));
    }
    set_.domain = std::move(domain);
  }

  Status AddDocument(const ConfigDocument& document) {
    for (const auto& [name, node] : document.root.members) {
      if (name == "pair_memory_days") {
        FEEDMILL_TRY(SetPairMemory(document, node));
        continue;
      }
      if (name != "feature" || node.kind != ConfigNode::Kind::kList) {
        return InvalidArgument("{}: found '{}'; allowed: pair_memory_days and tables [[feature]]", document.Where(node),
                               name);
      }
      for (const ConfigNode& table : node.items) {
        if (table.kind != ConfigNode::Kind::kTable) {
          return InvalidArgument("{}: found {}; allowed: tables [[feature]]", document.Where(table), table.Describe());
        }
        FeatureReader reader(document, table);
        FEEDMILL_TRY(AddTable(reader));
      }
    }
    return Ok();
  }

  Result<FeatureSet> Finish(std::string_view source) {
    if (set_.features.empty()) return InvalidArgument("{}: no [[feature]] found; at least one is needed", source);
    SortCounters();
    set_.hash = Sha256Hex(FormatFeatureSet(set_) + OtherMeanings()).substr(0, 16);
    return std::move(set_);
  }

 private:
  Status SetPairMemory(const ConfigDocument& document, const ConfigNode& node) {
    if (node.kind != ConfigNode::Kind::kInteger || node.integer < 1 || node.integer > kPairMemoryDaysMax) {
      return InvalidArgument("{}: field 'pair_memory_days': found {}; allowed: a whole number from 1 to {}",
                             document.Where(node), node.Describe(), kPairMemoryDaysMax);
    }
    if (has_pair_memory_)
      return InvalidArgument("{}: field 'pair_memory_days' is given a second time", document.Where(node));
    has_pair_memory_ = true;
    set_.pair_memory_days = static_cast<int>(node.integer);
    return Ok();
  }

  Status AddTable(FeatureReader& reader) {
    FEEDMILL_ASSIGN(std::string name, reader.Text("name"));
    FeatureDefinition feature;
    feature.name = name;
    FEEDMILL_ASSIGN(std::string kind_name, reader.Text("kind"));
    if (kind_name == FormerAge()) {
      feature.kind = FeatureKind::kAgeHours;
      feature.former_kind = kind_name;
    } else if (kind_name == FormerNumber()) {
      feature.kind = FeatureKind::kLogNumber;
      feature.former_kind = kind_name;
      FEEDMILL_ASSIGN(feature.number, reader.PlaceOf("kind", kind_name, number_names_));
    } else {
      FEEDMILL_ASSIGN(size_t kind_place, reader.OneOf("kind", kKindNames));
      feature.kind = static_cast<FeatureKind>(kind_place);
    }
    switch (feature.kind) {
      case FeatureKind::kLogCount:
      case FeatureKind::kRate:
        return AddCounted(reader, feature);
      case FeatureKind::kLastSeconds: {
        FEEDMILL_ASSIGN(size_t key, reader.OneOf("key", key_names_));
        feature.key = static_cast<CounterKey>(key);
        break;
      }
      case FeatureKind::kLogNumber: {
        if (!feature.former_kind.empty()) break;
        FEEDMILL_ASSIGN(size_t number, reader.OneOf("number", number_names_));
        feature.number = static_cast<int>(number);
        break;
      }
      case FeatureKind::kCategory: {
        FEEDMILL_ASSIGN(feature.category, Category(reader));
        break;
      }
      default:
        break;
    }
    FEEDMILL_TRY(reader.CheckAllRead(FeatureKindName(feature.kind)));
    return Add(reader, feature);
  }

  // The place of the property that the feature is of.
  Result<int> Category(FeatureReader& reader) {
    FEEDMILL_ASSIGN(const size_t place, reader.OneOf("property", property_names_));
    const auto found = std::ranges::find(set_.categories, properties_[place]);
    const auto category = static_cast<int>(found - set_.categories.begin());
    if (found != set_.categories.end()) return category;
    if (set_.categories.size() == kCategoryPropertiesMax) {
      return InvalidArgument("{}: field 'property': \"{}\" is one more; allowed: features of {} properties",
                             reader.Where(), properties_[place].name, kCategoryPropertiesMax);
    }
    set_.categories.push_back(properties_[place]);
    return category;
  }

  Status AddCounted(FeatureReader& reader, FeatureDefinition feature) {
    const bool is_rate = feature.kind == FeatureKind::kRate;
    FEEDMILL_ASSIGN(size_t key_place, reader.OneOf("key", key_names_));
    feature.key = static_cast<CounterKey>(key_place);
    FEEDMILL_ASSIGN(size_t numerator, reader.OneOf(is_rate ? "numerator" : "action", action_names_));
    size_t denominator = 0;
    if (is_rate) {
      FEEDMILL_ASSIGN(denominator, reader.OneOf("denominator", action_names_));
      FEEDMILL_ASSIGN(feature.prior_rate, reader.Number("prior_rate", 0, 1000));
      FEEDMILL_ASSIGN(feature.prior_weight, reader.Number("prior_weight", 1e-3, 1e6));
    }
    bool is_list = false;
    FEEDMILL_ASSIGN(std::vector<Micros> half_lives, reader.HalfLives(&is_list));
    FEEDMILL_TRY(reader.CheckAllRead(FeatureKindName(feature.kind)));
    const std::string stem = feature.name;
    for (const Micros half_life : half_lives) {
      if (is_list) feature.name = stem + "_" + HalfLifeName(half_life);
      feature.numerator = Counter({feature.key, actions_[numerator], half_life});
      if (is_rate) feature.denominator = Counter({feature.key, actions_[denominator], half_life});
      FEEDMILL_TRY(Add(reader, feature));
    }
    return Ok();
  }

  Status Add(const FeatureReader& reader, const FeatureDefinition& feature) {
    const auto is_fit = [](char letter) {
      return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
    };
    if (feature.name.empty() || feature.name.size() > kNameBytesMax || !std::ranges::all_of(feature.name, is_fit)) {
      return InvalidArgument("{}: field 'name': found text \"{}\"; allowed: 1 to {} of a-z, 0-9 and _", reader.Where(),
                             feature.name, kNameBytesMax);
    }
    if (!names_.insert(feature.name).second)
      return InvalidArgument("{}: two features are named \"{}\"", reader.Where(), feature.name);
    if (names_.size() > kFeaturesMax) return InvalidArgument("{}: more than {} features", reader.Where(), kFeaturesMax);
    set_.features.push_back(feature);
    return Ok();
  }

  int Counter(const CounterDefinition& counter) {
    const auto found = std::ranges::find(set_.counters, counter);
    const auto place = static_cast<int>(found - set_.counters.begin());
    if (found == set_.counters.end()) set_.counters.push_back(counter);
    return place;
  }

  void SortCounters() {
    const std::vector<CounterDefinition> former = set_.counters;
    std::ranges::sort(set_.counters, {},
                      [](const CounterDefinition& c) { return std::tuple(c.key, c.half_life, c.action); });
    const auto moved = [&](int place) {
      return place < 0 ? -1 : static_cast<int>(std::ranges::find(set_.counters, former[place]) - set_.counters.begin());
    };
    for (FeatureDefinition& feature : set_.features) {
      feature.numerator = moved(feature.numerator);
      feature.denominator = moved(feature.denominator);
    }
  }

  // What the actions that are counted mean, where it is not what the legacy domain says: sets from before there was a
  // domain keep their hash.
  std::string OtherMeanings() const {
    const domain::Domain& legacy = *domain::LegacyDomain();
    std::set<std::string> meanings;
    for (const CounterDefinition& counter : set_.counters) {
      const domain::Action& action = set_.Of(counter.action);
      const domain::Action* former = legacy.FindAction(action.name);
      const std::string meaning = domain::MeaningOf(*set_.domain, action);
      if (former == nullptr || domain::MeaningOf(legacy, *former) != meaning)
        meanings.insert(fmt::format("action {}: {}\n", action.name, meaning));
    }
    if (const std::string& category = set_.domain->Shown().category; category != legacy.Shown().category)
      meanings.insert(fmt::format("category {}\n", category));
    return fmt::format("{}", fmt::join(meanings, ""));
  }

  FeatureSet set_;
  std::vector<std::string> key_texts_;
  std::vector<std::string_view> key_names_, number_names_;
  std::vector<CategoryProperty> properties_;  // texts of the item
  std::vector<std::string_view> property_names_;
  std::vector<std::string_view> action_names_;  // of the domain's counted actions
  std::vector<Action> actions_;
  bool has_pair_memory_ = false;
  std::set<std::string> names_;
};

}  // namespace

std::string CounterKeyName(const domain::Domain& domain, CounterKey key) {
  switch (key) {
    case CounterKey::kUser:
      return "user";
    case CounterKey::kPost:
      return domain.Shown().name;
    case CounterKey::kAuthor:
      return "author";
    case CounterKey::kUserAuthor:
      return "user_author";
    case CounterKey::kUserTopic:
      return "user_" + domain.Shown().category;
  }
  return "";
}
uint16_t BucketOf(std::string_view text) {
  return text.empty() ? 0 : static_cast<uint16_t>(1 + Hash64(text) % (kBuckets - 1));
}

std::string_view FeatureKindName(FeatureKind kind) { return kKindNames[static_cast<size_t>(kind)]; }

std::string CounterName(const FeatureSet& set, const CounterDefinition& counter) {
  return fmt::format("{}_{}_{}", CounterKeyName(*set.domain, counter.key), set.Of(counter.action).name,
                     HalfLifeName(counter.half_life));
}

int FindCounter(const FeatureSet& set, CounterKey key, Action action, Micros half_life) {
  const auto found = std::ranges::find(set.counters, CounterDefinition{key, action, half_life});
  return found == set.counters.end() ? -1 : static_cast<int>(found - set.counters.begin());
}

Result<FeatureSet> ParseFeatureSet(std::string_view file, std::string_view text, domain::DomainPtr domain) {
  FEEDMILL_ASSIGN(ConfigDocument document, ParseToml(file, text));
  SetBuilder builder(std::move(domain));
  FEEDMILL_TRY(builder.AddDocument(document));
  return builder.Finish(file);
}

Result<FeatureSet> LoadFeatureSet(io::FileSystem& files, const std::string& folder, domain::DomainPtr domain) {
  FEEDMILL_ASSIGN(std::vector<std::string> names, files.List(folder));
  SetBuilder builder(std::move(domain));
  for (const std::string& name : names) {
    if (!name.ends_with(".toml")) continue;
    const std::string path = fmt::format("{}/{}", folder, name);
    FEEDMILL_ASSIGN(std::string text, io::ReadWholeFile(files, path));
    FEEDMILL_ASSIGN(ConfigDocument document, ParseToml(path, text));
    FEEDMILL_TRY(builder.AddDocument(document));
  }
  return builder.Finish(folder);
}

Result<FeatureSet> LoadProjectFeatures(io::FileSystem& files, const std::string& project) {
  FEEDMILL_ASSIGN(auto domain, domain::LoadDomain(files, project + "/domain.toml"));
  return LoadFeatureSet(files, project + "/features", std::move(domain));
}

std::string FormatFeatureSet(const FeatureSet& set) {
  std::string out = fmt::format("pair_memory_days = {}\n\n", set.pair_memory_days);
  for (const FeatureDefinition& feature : set.features) {
    out += fmt::format("[[feature]]\nname = \"{}\"\nkind = \"{}\"\n", feature.name,
                       feature.former_kind.empty() ? FeatureKindName(feature.kind) : feature.former_kind);
    if (feature.number >= 0 && feature.former_kind.empty())
      out += fmt::format("number = \"{}\"\n", set.domain->Shown().numbers[static_cast<size_t>(feature.number)]);
    if (feature.category >= 0)
      out += fmt::format("property = \"{}\"\n", set.categories[static_cast<size_t>(feature.category)].name);
    const bool is_rate = feature.kind == FeatureKind::kRate;
    if (is_rate || feature.kind == FeatureKind::kLogCount || feature.kind == FeatureKind::kLastSeconds) {
      out += fmt::format("key = \"{}\"\n", CounterKeyName(*set.domain, feature.key));
    }
    if (feature.numerator >= 0) {
      const CounterDefinition& counter = set.counters[feature.numerator];
      out += fmt::format("{} = \"{}\"\n", is_rate ? "numerator" : "action", set.Of(counter.action).name);
      if (is_rate) {
        out += fmt::format("denominator = \"{}\"\nprior_rate = {}\nprior_weight = {}\n",
                           set.Of(set.counters[feature.denominator].action).name, feature.prior_rate,
                           feature.prior_weight);
      }
      out += fmt::format("half_life = \"{}\"\n", HalfLifeName(counter.half_life));
    }
    out += "\n";
  }
  return out;
}

}  // namespace feedmill::features
