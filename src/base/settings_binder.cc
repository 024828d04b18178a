// Settings: the kinds of field a room can bind.
#include <algorithm>

#include "base/settings.h"
#include "base/text_encoding.h"
#include "base/units.h"

namespace feedmill {
namespace {

using Kind = ConfigNode::Kind;

std::string TomlText(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

std::string TomlList(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + TomlText(item);
  return out + "]";
}

std::string TomlReal(double value) {
  std::string text = fmt::format("{}", value);
  bool looks_integer = text.find_first_not_of("-0123456789") == std::string::npos;
  return looks_integer ? text + ".0" : text;
}

std::string Joined(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}.{}", prefix, name);
}

std::string RangeText(std::string_view what, std::string_view low, std::string_view high) {
  return fmt::format("{} {}..{}", what, low, high);
}

std::string IntegerAllowed(IntegerRange range) {
  bool open_low = range.low == std::numeric_limits<int64_t>::min();
  bool open_high = range.high == std::numeric_limits<int64_t>::max();
  if (open_low && open_high) return "integer";
  if (open_high) return fmt::format("integer >= {}", range.low);
  if (open_low) return fmt::format("integer <= {}", range.high);
  return RangeText("integer", std::to_string(range.low), std::to_string(range.high));
}

std::string RealAllowed(RealRange range) {
  bool open_low = range.low == std::numeric_limits<double>::lowest();
  bool open_high = range.high == std::numeric_limits<double>::max();
  if (open_low && open_high) return "number";
  if (open_high) return fmt::format("number >= {}", range.low);
  if (open_low) return fmt::format("number <= {}", range.high);
  return RangeText("number", fmt::format("{}", range.low), fmt::format("{}", range.high));
}

bool Inside(IntegerRange range, int64_t value) { return value >= range.low && value <= range.high; }

}  // namespace

void Settings::Binder::AddInteger(std::string_view name, IntegerRange range, std::string_view doc,
                                  std::function<void(int64_t)> set, std::function<int64_t()> get) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = IntegerAllowed(range)};
  field.set = [range, set = std::move(set)](const ConfigNode& node) {
    if (node.kind != Kind::kInteger || !Inside(range, node.integer)) return false;
    set(node.integer);
    return true;
  };
  field.show = [get = std::move(get)] { return std::to_string(get()); };
  settings_->Add(std::move(field));
}

void Settings::Binder::AddByteSize(std::string_view name, IntegerRange range, std::string_view doc,
                                   std::function<void(uint64_t)> set, std::function<uint64_t()> get) {
  range.low = std::max<int64_t>(0, range.low);
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "byte size such as 64MiB"};
  std::string low = FormatByteSize(static_cast<uint64_t>(range.low));
  std::string high = FormatByteSize(static_cast<uint64_t>(range.high));
  if (range.high != IntegerRange{}.high) field.allowed = RangeText("byte size", low, high);
  field.set = [range, set = std::move(set)](const ConfigNode& node) {
    Result<uint64_t> bytes = node.kind == Kind::kString    ? ParseByteSize(node.text)
                             : node.kind == Kind::kInteger ? Result<uint64_t>(static_cast<uint64_t>(node.integer))
                                                           : InvalidArgument("no size");
    if (!bytes || !Inside(range, static_cast<int64_t>(*bytes))) return false;
    set(*bytes);
    return true;
  };
  field.show = [get = std::move(get)] { return TomlText(FormatByteSize(get())); };
  settings_->Add(std::move(field));
}

void Settings::Binder::AddChoice(std::string_view name, std::vector<std::string> allowed, std::string_view doc,
                                 std::function<void(size_t)> set, std::function<size_t()> get) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "one of"};
  for (const std::string& choice : allowed) field.allowed += " " + TomlText(choice);
  field.set = [allowed, set = std::move(set)](const ConfigNode& node) {
    auto found = std::ranges::find(allowed, node.text);
    if (node.kind != Kind::kString || found == allowed.end()) return false;
    set(static_cast<size_t>(found - allowed.begin()));
    return true;
  };
  field.show = [allowed, get = std::move(get)] { return TomlText(allowed[get()]); };
  settings_->Add(std::move(field));
}

void Settings::Binder::Real(std::string_view name, double* target, RealRange range, std::string_view doc) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = RealAllowed(range)};
  field.set = [target, range](const ConfigNode& node) {
    double value = node.kind == Kind::kInteger ? static_cast<double>(node.integer) : node.real;
    bool number = node.kind == Kind::kInteger || node.kind == Kind::kReal;
    if (!number || !(value >= range.low && value <= range.high)) return false;
    *target = value;
    return true;
  };
  field.show = [target] { return TomlReal(*target); };
  settings_->Add(std::move(field));
}

void Settings::Binder::Boolean(std::string_view name, bool* target, std::string_view doc) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "true or false"};
  field.set = [target](const ConfigNode& node) {
    if (node.kind != Kind::kBoolean) return false;
    *target = node.boolean;
    return true;
  };
  field.show = [target] { return *target ? "true" : "false"; };
  settings_->Add(std::move(field));
}

void Settings::Binder::Text(std::string_view name, std::string* target, std::string_view doc) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "text"};
  field.set = [target](const ConfigNode& node) {
    if (node.kind != Kind::kString) return false;
    *target = node.text;
    return true;
  };
  field.show = [target] { return TomlText(*target); };
  settings_->Add(std::move(field));
}

void Settings::Binder::TextList(std::string_view name, std::vector<std::string>* target, std::string_view doc) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "list of texts"};
  field.set = [target](const ConfigNode& node) {
    auto is_text = [](const ConfigNode& item) { return item.kind == Kind::kString; };
    if (is_text(node)) {  // one is a list of one
      *target = {node.text};
      return true;
    }
    if (node.kind != Kind::kList || !std::ranges::all_of(node.items, is_text)) return false;
    target->clear();
    for (const ConfigNode& item : node.items) target->push_back(item.text);
    return true;
  };
  field.show = [target] { return TomlList(*target); };
  settings_->Add(std::move(field));
}

void Settings::Binder::Duration(std::string_view name, Micros* target, IntegerRange range, std::string_view doc) {
  range.low = std::max<int64_t>(0, range.low);
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "duration such as 60s"};
  if (range.high != IntegerRange{}.high) {
    field.allowed = RangeText("duration", FormatDuration(range.low), FormatDuration(range.high));
  }
  field.set = [target, range](const ConfigNode& node) {
    if (node.kind != Kind::kString) return false;
    Result<Micros> duration = ParseDuration(node.text);
    if (!duration || !Inside(range, *duration)) return false;
    *target = *duration;
    return true;
  };
  field.show = [target] { return TomlText(FormatDuration(*target)); };
  settings_->Add(std::move(field));
}

void Settings::Binder::Tree(std::string_view name, ConfigNode* target, std::string_view doc) {
  Field field{.name = Joined(prefix_, name), .doc = std::string(doc), .allowed = "see its guide", .tree = true};
  field.set = [target](const ConfigNode& node) {
    *target = node;
    return true;
  };
  field.show = [target] { return fmt::format("# {} entries", target->members.size() + target->items.size()); };
  settings_->Add(std::move(field));
}

}  // namespace feedmill
