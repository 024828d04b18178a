// LightGBM's text model, version v4 (written by GBDT::SaveModelToString, Tree::ToString of LightGBM 4.x).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "model/ensemble_internal.h"

namespace feedmill::model {
namespace {

constexpr size_t kQuotedBytesMax = 60;  // of a found value in a message

std::string Quote(std::string_view text) {
  if (text.size() <= kQuotedBytesMax) return std::string(text);
  return std::string(text.substr(0, kQuotedBytesMax)) + "...";
}

// Lines of the text, counted from 1.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> Next() {
    if (rest_.empty()) return std::nullopt;
    const size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return line;
  }
  size_t number() const { return number_; }

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

// The `key=value` lines of the header or of one tree, with the line each stands on.
struct Section {
  struct Entry {
    std::string_view value;
    size_t line;
  };
  std::map<std::string_view, Entry> entries;
  size_t first_line = 0;

  Result<Entry> Get(std::string_view key) const {
    const auto found = entries.find(key);
    if (found == entries.end()) return InvalidArgument("model text line {}: section has no '{}='", first_line, key);
    return found->second;
  }
};

bool AddEntry(std::string_view line, size_t number, Section* section) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return section->entries.try_emplace(line, Section::Entry{"", number}).second;
  return section->entries.try_emplace(line.substr(0, equals), Section::Entry{line.substr(equals + 1), number}).second;
}

template <typename T>
Result<T> ParseNumber(std::string_view token, std::string_view key, size_t line) {
  T value{};
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size()) {
    return InvalidArgument("model text line {}: '{}' of {}= is not a number of its kind", line, Quote(token), key);
  }
  return value;
}

template <typename T>
Result<T> GetNumber(const Section& section, std::string_view key) {
  FEEDMILL_ASSIGN(const Section::Entry entry, section.Get(key));
  return ParseNumber<T>(entry.value, key, entry.line);
}

// Exactly `count` numbers parted by single spaces. Memory grows with the text, never with `count`.
template <typename T>
Result<std::vector<T>> GetNumbers(const Section& section, std::string_view key, size_t count) {
  FEEDMILL_ASSIGN(const Section::Entry entry, section.Get(key));
  std::vector<T> numbers;
  std::string_view rest = entry.value;
  while (!rest.empty()) {
    const size_t end = rest.find(' ');
    FEEDMILL_ASSIGN(const T number, ParseNumber<T>(rest.substr(0, end), key, entry.line));
    numbers.push_back(number);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (numbers.size() != count) {
    return InvalidArgument("model text line {}: {}= has {} numbers, {} expected", entry.line, key, numbers.size(),
                           count);
  }
  return numbers;
}

Status CheckFixedHeader(const Section& header) {
  const std::pair<std::string_view, std::string_view> fixed[] = {
      {"version", "v4"}, {"num_class", "1"}, {"num_tree_per_iteration", "1"}};
  for (const auto& [key, allowed] : fixed) {
    FEEDMILL_ASSIGN(const Section::Entry entry, header.Get(key));
    if (entry.value != allowed) {
      return InvalidArgument("model text line {}: {}={} found, {} allowed", entry.line, key, Quote(entry.value),
                             allowed);
    }
  }
  if (header.entries.contains("average_output")) {
    return InvalidArgument("model text line {}: averaged output (random forest) is not supported, boosted trees are",
                           header.entries.at("average_output").line);
  }
  return Ok();
}

Status ParseObjective(const Section& header, Ensemble* ensemble) {
  FEEDMILL_ASSIGN(const Section::Entry entry, header.Get("objective"));
  constexpr std::string_view kBinary = "binary sigmoid:";
  if (entry.value == "lambdarank" || entry.value == "rank_xendcg") return Ok();
  if (!entry.value.starts_with(kBinary)) {
    return InvalidArgument(
        "model text line {}: objective={} found, 'binary sigmoid:<number>', lambdarank and rank_xendcg allowed",
        entry.line, Quote(entry.value));
  }
  FEEDMILL_ASSIGN(ensemble->sigmoid, ParseNumber<double>(entry.value.substr(kBinary.size()), "objective", entry.line));
  if (!(ensemble->sigmoid > 0) || !std::isfinite(ensemble->sigmoid)) {
    return InvalidArgument("model text line {}: sigmoid {} found, a positive number allowed", entry.line,
                           ensemble->sigmoid);
  }
  ensemble->binary = true;
  return Ok();
}

Status ParseFeatureNames(const Section& header, Ensemble* ensemble) {
  FEEDMILL_ASSIGN(const uint32_t last, GetNumber<uint32_t>(header, "max_feature_idx"));
  FEEDMILL_ASSIGN(const Section::Entry entry, header.Get("feature_names"));
  std::string_view rest = entry.value;
  while (!rest.empty() && ensemble->feature_names.size() < kFeaturesMax) {
    const size_t end = rest.find(' ');
    ensemble->feature_names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (!rest.empty() || ensemble->feature_names.size() != size_t{last} + 1) {
    return InvalidArgument("model text line {}: {} feature names found, {} (max_feature_idx + 1, at most {}) expected",
                           entry.line, ensemble->feature_names.size(), size_t{last} + 1, kFeaturesMax);
  }
  return Ok();
}

// A flag of a tree that must be 0, in words of what it would mean.
Status RefuseFlag(const Section& section, std::string_view key, std::string_view meaning) {
  if (!section.entries.contains(key)) return Ok();
  FEEDMILL_ASSIGN(const int64_t value, GetNumber<int64_t>(section, key));
  if (value == 0) return Ok();
  return InvalidArgument("model text line {}: {}={} found: {} are not supported, train with plain trees",
                         section.entries.at(key).line, key, value, meaning);
}

// Of a tree's categorical splits: the words of set i are those from boundary i to boundary i + 1, 32 categories each.
Result<std::vector<Categories>> ParseCategories(const Section& section) {
  std::vector<Categories> sets;
  if (!section.entries.contains("num_cat")) return sets;
  FEEDMILL_ASSIGN(const uint32_t count, GetNumber<uint32_t>(section, "num_cat"));
  if (count == 0) return sets;
  if (count >= kLeavesPerTreeMax) {
    return InvalidArgument("model text line {}: num_cat={} found, less than {} allowed", section.first_line, count,
                           kLeavesPerTreeMax);
  }
  FEEDMILL_ASSIGN(const auto boundaries, GetNumbers<uint32_t>(section, "cat_boundaries", size_t{count} + 1));
  FEEDMILL_ASSIGN(const auto words, GetNumbers<uint32_t>(section, "cat_threshold", boundaries.back()));
  if (boundaries.front() != 0 || !std::ranges::is_sorted(boundaries)) {
    return InvalidArgument("model text line {}: cat_boundaries do not rise from 0",
                           section.entries.at("cat_boundaries").line);
  }
  for (uint32_t set = 0; set < count; ++set)
    sets.emplace_back(words.begin() + boundaries[set], words.begin() + boundaries[set + 1]);
  return sets;
}

constexpr int kCategorical = 1, kDefaultLeft = 2, kMissingShift = 2;  // of decision_type

// A categorical split's threshold is the number of its set.
Status SetCategories(const Section& section, double threshold, size_t set_count, Node* node) {
  if (!(threshold >= 0) || threshold >= static_cast<double>(set_count) || threshold != std::floor(threshold)) {
    return InvalidArgument(
        "model text line {}: threshold {} of a categorical split found, the number of one of {} sets allowed",
        section.first_line, threshold, set_count);
  }
  node->categories = static_cast<int32_t>(threshold);
  return Ok();
}

Result<Node> MakeNode(const Section& section, int32_t feature, int32_t decision, double threshold, size_t feature_count,
                      size_t set_count) {
  if (feature < 0 || static_cast<size_t>(feature) >= feature_count) {
    return InvalidArgument("model text line {}: split_feature {} found, 0 to {} allowed", section.first_line, feature,
                           feature_count - 1);
  }
  if (decision < 0 || decision > 11) {
    return InvalidArgument("model text line {}: decision_type {} found, 0 to 11 allowed", section.first_line, decision);
  }
  if (std::isnan(threshold))
    return InvalidArgument("model text line {}: a threshold is not a number", section.first_line);
  Node node;
  node.feature = static_cast<uint32_t>(feature);
  node.missing = static_cast<MissingType>(decision >> kMissingShift);
  node.default_left = (decision & kDefaultLeft) != 0;
  node.threshold = threshold;
  if ((decision & kCategorical) != 0) FEEDMILL_TRY(SetCategories(section, threshold, set_count, &node));
  return node;
}

// Every node but the root and every leaf has exactly one parent, and all hang together: then it is a tree.
Status CheckShape(const Tree& tree, size_t first_line) {
  std::vector<bool> node_seen(tree.nodes.size()), leaf_seen(tree.leaves.size());
  std::vector<int32_t> open = {0};
  size_t reached = 0;
  while (!open.empty()) {
    const int32_t at = open.back();
    open.pop_back();
    std::vector<bool>& seen = at >= 0 ? node_seen : leaf_seen;
    const size_t index = static_cast<size_t>(at >= 0 ? at : ~at);
    if (index >= seen.size() || seen[index]) {
      return InvalidArgument("model text line {}: child {} is out of range or has two parents", first_line, at);
    }
    seen[index] = true;
    ++reached;
    if (at < 0) continue;
    open.push_back(tree.nodes[index].left);
    open.push_back(tree.nodes[index].right);
  }
  if (reached == tree.nodes.size() + tree.leaves.size()) return Ok();
  return InvalidArgument("model text line {}: only {} of {} nodes and leaves hang on the root", first_line, reached,
                         tree.nodes.size() + tree.leaves.size());
}

Status ParseNodes(const Section& section, size_t feature_count, Tree* tree) {
  const size_t count = tree->leaves.size() - 1;
  FEEDMILL_ASSIGN(const auto features, GetNumbers<int32_t>(section, "split_feature", count));
  FEEDMILL_ASSIGN(const auto decisions, GetNumbers<int32_t>(section, "decision_type", count));
  FEEDMILL_ASSIGN(const auto thresholds, GetNumbers<double>(section, "threshold", count));
  FEEDMILL_ASSIGN(const auto lefts, GetNumbers<int32_t>(section, "left_child", count));
  FEEDMILL_ASSIGN(const auto rights, GetNumbers<int32_t>(section, "right_child", count));
  FEEDMILL_ASSIGN(tree->categories, ParseCategories(section));
  for (size_t i = 0; i < count; ++i) {
    FEEDMILL_ASSIGN(
        Node node, MakeNode(section, features[i], decisions[i], thresholds[i], feature_count, tree->categories.size()));
    node.left = lefts[i];
    node.right = rights[i];
    tree->nodes.push_back(node);
  }
  return CheckShape(*tree, section.first_line);
}

Result<Tree> ParseTree(const Section& section, size_t feature_count) {
  FEEDMILL_TRY(RefuseFlag(section, "is_linear", "linear trees"));
  FEEDMILL_ASSIGN(const uint32_t leaves, GetNumber<uint32_t>(section, "num_leaves"));
  if (leaves < 1 || leaves > kLeavesPerTreeMax) {
    return InvalidArgument("model text line {}: num_leaves={} found, 1 to {} allowed", section.first_line, leaves,
                           kLeavesPerTreeMax);
  }
  Tree tree;
  FEEDMILL_ASSIGN(tree.leaves, GetNumbers<double>(section, "leaf_value", leaves));
  for (const double leaf : tree.leaves) {
    if (!std::isfinite(leaf))
      return InvalidArgument("model text line {}: a leaf_value is not finite", section.first_line);
  }
  if (leaves > 1) FEEDMILL_TRY(ParseNodes(section, feature_count, &tree));
  return tree;
}

// Reads to the next "Tree=" or "end of trees" line, which is returned.
Result<std::string_view> ReadSection(Lines* lines, Section* section) {
  section->first_line = lines->number() + 1;
  while (const auto line = lines->Next()) {
    if (line->empty()) continue;
    if (line->starts_with("Tree=") || *line == "end of trees") return *line;
    if (!AddEntry(*line, lines->number(), section)) {
      return InvalidArgument("model text line {}: '{}' is given twice", lines->number(), Quote(*line));
    }
  }
  return InvalidArgument("model text ends at line {} without 'end of trees': it is cut off", lines->number());
}

}  // namespace

Result<Ensemble> ParseEnsemble(std::string_view text) {
  if (text.size() > kModelTextBytesMax) {
    return InvalidArgument("model text has {} bytes, at most {} allowed", text.size(), kModelTextBytesMax);
  }
  Lines lines(text);
  if (const auto first = lines.Next(); !first || *first != "tree") {
    return InvalidArgument("model text line 1: '{}' found, 'tree' (LightGBM's text model) expected",
                           Quote(first.value_or("")));
  }
  Section header;
  FEEDMILL_ASSIGN(std::string_view next, ReadSection(&lines, &header));
  Ensemble ensemble;
  FEEDMILL_TRY(CheckFixedHeader(header));
  FEEDMILL_TRY(ParseObjective(header, &ensemble));
  FEEDMILL_TRY(ParseFeatureNames(header, &ensemble));
  while (next != "end of trees") {
    if (ensemble.trees.size() == kTreesMax) return InvalidArgument("model text has more than {} trees", kTreesMax);
    Section section;
    FEEDMILL_ASSIGN(next, ReadSection(&lines, &section));
    FEEDMILL_ASSIGN(Tree tree, ParseTree(section, ensemble.feature_names.size()));
    ensemble.trees.push_back(std::move(tree));
  }
  return ensemble;
}

}  // namespace feedmill::model
