// Ensemble -> BinnedEnsemble.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "model/binned_internal.h"

namespace feedmill::model {
namespace {

constexpr uint32_t kTopLevelsMax = 4;

float RoundDown(double value) {
  const float near = static_cast<float>(value);
  if (static_cast<double>(near) <= value) return near;
  return std::nextafter(near, -std::numeric_limits<float>::infinity());
}

class Compiler {
 public:
  Compiler(const Ensemble& ensemble, BinnedEnsemble* out) : ensemble_(ensemble), out_(*out) {}

  bool Run() {
    out_.feature_count = ensemble_.feature_names.size();
    if (!CollectThresholds()) return false;
    CollectColumns();
    for (const Tree& tree : ensemble_.trees) AddTree(tree);
    out_.leaves.resize(out_.leaves.size() + 8);
    return true;
  }

 private:
  using SourceKey = std::pair<uint32_t, bool>;                 // feature, categorical
  using ColumnKey = std::tuple<SourceKey, MissingType, bool>;  // source, missing type, default left

  static SourceKey SourceOf(const Node& node) { return {node.feature, node.categories >= 0}; }

  bool CollectThresholds() {
    std::map<SourceKey, std::set<float>> by_source;
    for (const Tree& tree : ensemble_.trees) {
      if (tree.leaves.size() > kByteLeavesMax) return false;
      for (const Node& node : tree.nodes) {
        std::set<float>& values = by_source[SourceOf(node)];
        if (node.categories < 0) values.insert(RoundDown(node.threshold));
        if (node.categories >= 0 && !AddCategories(CategoriesOf(tree, node), &values)) return false;
      }
    }
    for (const auto& [source, values] : by_source) {
      if (values.size() > kCodesPerFeatureMax - 1) return false;
      place_of_source_[source] = static_cast<uint32_t>(out_.features.size());
      std::vector<float> distinct(values.begin(), values.end());
      out_.features.push_back(source.second ? MakeCategorical(source.first, distinct)
                                            : MakeFeature(source.first, distinct));
      distinct_.push_back(std::move(distinct));
    }
    return true;
  }

  static const Categories& CategoriesOf(const Tree& tree, const Node& node) {
    return tree.categories[static_cast<size_t>(node.categories)];
  }

  template <typename OnCategory>
  static void ForEachCategory(const Categories& words, OnCategory on_category) {
    for (size_t word = 0; word < words.size(); ++word) {
      for (uint32_t bits = words[word]; bits != 0; bits &= bits - 1)
        on_category(word * 32 + static_cast<size_t>(std::countr_zero(bits)));
    }
  }

  // False when one of them is no float, or there are too many.
  static bool AddCategories(const Categories& words, std::set<float>* values) {
    constexpr size_t kExactFloats = size_t{1} << 24;
    if (words.size() * 32 > kExactFloats) return false;
    ForEachCategory(words, [values](size_t category) {
      if (values->size() < kCodesPerFeatureMax) values->insert(static_cast<float>(category));
    });
    return values->size() < kCodesPerFeatureMax;
  }

  // Code i > 0 begins at the i-th category; where it begins for 0 are the values that are cut to 0.
  static BinnedFeature MakeCategorical(uint32_t feature, const std::vector<float>& categories) {
    std::vector<float> below;
    for (const float category : categories)
      below.push_back(category == 0 ? -1.0f : std::nextafter(category, -std::numeric_limits<float>::infinity()));
    BinnedFeature made = MakeFeature(feature, std::move(below));
    made.categories.assign(made.thresholds.size() + 1, -1.0f);
    std::ranges::copy(categories, made.categories.begin() + 1);
    return made;
  }

  static BinnedFeature MakeFeature(uint32_t feature, std::vector<float> thresholds) {
    BinnedFeature made;
    made.feature = feature;
    made.levels = static_cast<uint32_t>(std::bit_width(thresholds.size()));
    made.top_levels = std::min(made.levels, kTopLevelsMax);
    thresholds.resize((size_t{1} << made.levels) - 1, std::numeric_limits<float>::infinity());
    const size_t stride = size_t{1} << (made.levels - made.top_levels);
    for (size_t i = 0; i + 1 < (size_t{1} << made.top_levels); ++i) made.top[i] = thresholds[(i + 1) * stride - 1];
    made.thresholds = std::move(thresholds);
    FillStages(&made);
    return made;
  }

  static void FillStages(BinnedFeature* made) {
    made->first_levels = std::min(made->levels, kStageLevels);
    made->second_levels = std::min(made->levels - made->first_levels, kStageLevels);
    const uint32_t in_block = made->levels - made->first_levels;
    const uint32_t in_second = in_block - made->second_levels;
    const size_t blocks = size_t{1} << made->first_levels;
    for (size_t i = 0; i + 1 < blocks; ++i) made->first[i] = made->thresholds[((i + 1) << in_block) - 1];
    for (size_t i = 0; i + 1 < size_t{1} << made->second_levels; ++i) {
      for (size_t block = 0; block < blocks; ++block)
        made->second[i][block] = made->thresholds[(block << in_block) + ((i + 1) << in_second) - 1];
    }
  }

  // The direction of a missing value does not matter to a node that has none.
  static ColumnKey KeyOf(const Node& node) {
    if (node.categories >= 0) return {SourceOf(node), MissingType::kNan, false};
    return {SourceOf(node), node.missing, node.missing != MissingType::kNone && node.default_left};
  }

  void CollectColumns() {
    for (const Tree& tree : ensemble_.trees) {
      for (const Node& node : tree.nodes) column_of_.try_emplace(KeyOf(node), 0);
    }
    for (auto& [key, column] : column_of_) {
      const auto [source, missing, default_left] = key;
      column = static_cast<uint32_t>(out_.columns.size());
      out_.columns.push_back({place_of_source_.at(source), missing, static_cast<uint8_t>(default_left ? 0 : 255)});
    }
  }

  void AddTree(const Tree& tree) {
    BinnedTree made;
    made.first_step = static_cast<uint32_t>(out_.steps.size());
    made.first_leaf = static_cast<uint32_t>(out_.leaves.size());
    out_.leaves.insert(out_.leaves.end(), tree.leaves.begin(), tree.leaves.end());
    if (!tree.nodes.empty()) AddSteps(tree);
    made.step_count = static_cast<uint32_t>(out_.steps.size()) - made.first_step;
    if (made.step_count > 0) made.result_slot = out_.steps.back().out_slot;
    out_.trees.push_back(made);
  }

  // Slots each subtree needs when its needier child goes first; leaves need none. Children before parents.
  static std::vector<uint32_t> SlotNeeds(const Tree& tree, std::vector<int32_t>* parents_first) {
    parents_first->assign(1, 0);
    for (size_t i = 0; i < parents_first->size(); ++i) {
      const Node& node = tree.nodes[static_cast<size_t>((*parents_first)[i])];
      if (node.left >= 0) parents_first->push_back(node.left);
      if (node.right >= 0) parents_first->push_back(node.right);
    }
    std::vector<uint32_t> needs(tree.nodes.size());
    const auto need = [&](int32_t child) { return child < 0 ? 0u : needs[static_cast<size_t>(child)]; };
    for (auto at = parents_first->rbegin(); at != parents_first->rend(); ++at) {
      const Node& node = tree.nodes[static_cast<size_t>(*at)];
      const uint32_t left = need(node.left), right = need(node.right);
      needs[static_cast<size_t>(*at)] = left == right ? left + 1 : std::max(left, right);
    }
    return needs;
  }

  void AddSteps(const Tree& tree) {
    std::vector<int32_t> order;
    const std::vector<uint32_t> needs = SlotNeeds(tree, &order);
    AddSubtree(tree, needs, 0, 0);
  }

  // Depth is bounded by kByteLeavesMax. The result of the subtree lies in slot `base`, which it may use with those
  // above.
  void AddSubtree(const Tree& tree, const std::vector<uint32_t>& needs, int32_t at, uint16_t base) {
    const Node& node = tree.nodes[static_cast<size_t>(at)];
    const auto need = [&](int32_t child) { return child < 0 ? 0u : needs[static_cast<size_t>(child)]; };
    const bool left_first = need(node.left) >= need(node.right);
    const int32_t first = left_first ? node.left : node.right, second = left_first ? node.right : node.left;
    const uint16_t second_base = static_cast<uint16_t>(first < 0 ? base : base + 1);
    if (first >= 0) AddSubtree(tree, needs, first, base);
    if (second >= 0) AddSubtree(tree, needs, second, second_base);
    const uint16_t first_slot = SlotOf(first, base), second_slot = SlotOf(second, second_base);
    BinnedStep step;
    step.code_offset = static_cast<uint32_t>(column_of_.at(KeyOf(node)) * kBlockRows);
    step.is_categorical = node.categories >= 0;
    step.threshold = step.is_categorical ? AddCodeSet(tree, node) : CodeOf(node) * 0x01010101u;
    step.left_slot = left_first ? first_slot : second_slot;
    step.right_slot = left_first ? second_slot : first_slot;
    step.out_slot = static_cast<uint16_t>(kByteLeavesMax + base);
    out_.steps.push_back(step);
  }

  static uint16_t SlotOf(int32_t child, uint16_t base) {
    return static_cast<uint16_t>(child < 0 ? ~child : static_cast<int32_t>(kByteLeavesMax) + base);
  }

  // Index of the node's threshold: a value goes right exactly when its code is larger.
  uint32_t CodeOf(const Node& node) const {
    const std::vector<float>& thresholds = distinct_[place_of_source_.at(SourceOf(node))];
    return static_cast<uint32_t>(std::ranges::lower_bound(thresholds, RoundDown(node.threshold)) - thresholds.begin());
  }

  uint32_t AddCodeSet(const Tree& tree, const Node& node) {
    const std::vector<float>& categories = distinct_[place_of_source_.at(SourceOf(node))];
    CodeSet& set = out_.code_sets.emplace_back();
    ForEachCategory(CategoriesOf(tree, node), [&](size_t category) {
      const auto place = std::ranges::lower_bound(categories, static_cast<float>(category)) - categories.begin();
      set.Add(static_cast<uint8_t>(place + 1));
    });
    return static_cast<uint32_t>(out_.code_sets.size() - 1);
  }

  const Ensemble& ensemble_;
  BinnedEnsemble& out_;
  std::map<SourceKey, uint32_t> place_of_source_;
  std::vector<std::vector<float>> distinct_;  // by place, without padding: thresholds or categories
  std::map<ColumnKey, uint32_t> column_of_;
};

}  // namespace

bool CompileEnsemble(const Ensemble& ensemble, BinnedEnsemble* binned) { return Compiler(ensemble, binned).Run(); }

}  // namespace feedmill::model
