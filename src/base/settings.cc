// Settings: from a document into the bound variables, and back to text.
#include "base/settings.h"

#include <algorithm>
#include <numeric>

namespace feedmill {
namespace {

using Kind = ConfigNode::Kind;

constexpr size_t kNearEnough = 3;  // edits between an unknown name and the one that was meant

// Edits to turn `a` into `b`, for the nearest name.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j + 1] + 1, row[j] + 1});
    }
  }
  return row.back();
}

// An override's text as the node it would be in a file: true, 5, 1.5, ["a"] or, when it is none of these, a text.
ConfigNode NodeOf(const std::string& text) {
  if (auto parsed = ParseToml("", "value = " + text); parsed && parsed->root.members.size() == 1) {
    ConfigNode node = parsed->root.members[0].node;
    node.line = 0;
    return node;
  }
  ConfigNode node;
  node.kind = Kind::kString;
  node.text = text;
  return node;
}

std::string Indented(const std::string& text, std::string_view with) { return fmt::format("{}{}\n", with, text); }

// The part of "http.limits.body" before the last dot, and the one after.
std::pair<std::string, std::string> SplitName(const std::string& name) {
  size_t dot = name.rfind('.');
  if (dot == std::string::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

}  // namespace

Settings::Binder Settings::Section(std::string_view prefix, std::string_view doc) {
  sections_.push_back({std::string(prefix), std::string(doc)});
  return Binder(this, std::string(prefix));
}

void Settings::Override(std::string_view name, std::string_view text, std::string_view origin) {
  overrides_.push_back({std::string(name), std::string(text), std::string(origin)});
}

void Settings::Add(Field field) {
  field.initial = field.show();
  field.origin = "default";
  fields_.push_back(std::move(field));
}

Settings::Field* Settings::Find(std::string_view name) {
  auto found = std::ranges::find(fields_, name, &Field::name);
  return found == fields_.end() ? nullptr : &*found;
}

bool Settings::IsSection(std::string_view name) const {
  std::string dotted = std::string(name) + ".";
  return std::ranges::any_of(fields_, [&](const Field& field) { return field.name.starts_with(dotted); });
}

Status Settings::Load(const ConfigDocument& document) { return Load(document, document.root); }

Status Settings::Load(const ConfigDocument& document, const ConfigNode& table) {
  errors_.clear();
  if (table.kind == Kind::kTable) {
    ReadTable(document, table, "");
  } else {
    errors_.push_back(fmt::format("{}: found {}, allowed a table", document.Where(table), table.Describe()));
  }
  ApplyOverrides();
  return Outcome();
}

Status Settings::LoadWithoutFile() {
  errors_.clear();
  ApplyOverrides();
  return Outcome();
}

void Settings::ReadTable(const ConfigDocument& document, const ConfigNode& table, const std::string& prefix) {
  for (const auto& [key, node] : table.members) {
    ReadMember(document, prefix.empty() ? key : fmt::format("{}.{}", prefix, key), node);
  }
}

void Settings::ReadMember(const ConfigDocument& document, const std::string& name, const ConfigNode& node) {
  Field* field = Find(name);
  if (field == nullptr && node.kind == Kind::kTable && IsSection(name)) return ReadTable(document, node, name);
  std::string where = document.Where(node);
  if (field == nullptr) {
    errors_.push_back(fmt::format("{}: {}: {}", where, name, Unknown(name)));
  } else if (field->set(node)) {
    field->origin = where;
  } else {
    errors_.push_back(fmt::format("{}: {}: found {}, allowed {}", where, name, node.Describe(), field->allowed));
  }
}

void Settings::ApplyOverrides() {
  for (const OverrideValue& given : overrides_) {
    Field* field = Find(given.name);
    if (field == nullptr) {
      errors_.push_back(fmt::format("{}: {}: {}", given.origin, given.name, Unknown(given.name)));
      continue;
    }
    ConfigNode as_text;
    as_text.kind = Kind::kString;
    as_text.text = given.text;
    if (field->set(NodeOf(given.text)) || field->set(as_text)) {
      field->origin = given.origin;
    } else {
      errors_.push_back(
          fmt::format("{}: {}: found \"{}\", allowed {}", given.origin, given.name, given.text, field->allowed));
    }
  }
}

std::string Settings::Unknown(std::string_view name) const {
  const Field* nearest = nullptr;
  size_t nearest_distance = kNearEnough + 1;
  for (const Field& field : fields_) {
    size_t distance = EditDistance(name, field.name);
    if (distance < nearest_distance) {
      nearest = &field;
      nearest_distance = distance;
    }
  }
  if (nearest != nullptr) return fmt::format("found an unknown setting, did you mean '{}'?", nearest->name);
  return "found an unknown setting; 'feedmill config explain' lists the allowed ones";
}

Status Settings::Outcome() const {
  if (errors_.empty()) return Ok();
  std::string all;
  for (const std::string& error : errors_) all += (all.empty() ? "" : "\n") + error;
  return InvalidArgument("{}", all);
}

// Fields at the top first, then the sections as they were first bound: a section bound in two places is shown once.
std::vector<const Settings::Field*> Settings::InSectionOrder() const {
  std::vector<std::string> prefixes = {""};
  for (const Field& field : fields_) prefixes.push_back(SplitName(field.name).first);
  std::vector<const Field*> ordered;
  for (const Field& field : fields_) ordered.push_back(&field);
  auto place = [&](const Field* field) { return std::ranges::find(prefixes, SplitName(field->name).first); };
  std::ranges::stable_sort(ordered, {}, place);
  return ordered;
}

std::string Settings::Explain() const {
  std::string out;
  std::string shown_section;
  for (const Field* shown : InSectionOrder()) {
    const Field& field = *shown;
    auto [prefix, key] = SplitName(field.name);
    if (prefix != shown_section) {
      auto section = std::ranges::find(sections_, prefix, &SectionDoc::prefix);
      out += "\n";
      if (section != sections_.end() && !section->doc.empty()) out += Indented(section->doc, "# ");
      out += fmt::format("[{}]\n", prefix);
      shown_section = prefix;
    }
    out += fmt::format("# {}\n", field.doc);
    out += fmt::format("# allowed: {}; default: {}; from: {}\n", field.allowed, field.tree ? "empty" : field.initial,
                       field.origin);
    out += field.tree ? fmt::format("# {}: {}\n", key, field.show().substr(2))
                      : fmt::format("{} = {}\n", key, field.show());
  }
  return out;
}

}  // namespace feedmill
