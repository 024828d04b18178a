// The obvious scorer: node by node, row by row, as LightGBM's Tree::NumericalDecision and CategoricalDecision do it.
// Twin of the binned one, and its stand-in for ensembles too large for byte codes.
#include <cmath>

#include "model/ensemble_internal.h"

namespace feedmill::model {
namespace {

// Missing, negative and unknown categories go right.
bool IsAmong(const Categories& categories, float value) {
  if (std::isnan(value) || value <= -1 || value >= kCategoryEnd) return false;
  const auto category = static_cast<uint32_t>(static_cast<int32_t>(value));
  return category / 32 < categories.size() && (categories[category / 32] >> category % 32 & 1) != 0;
}

bool GoesLeft(const Tree& tree, const Node& node, float value) {
  // LightGBM drops values this small while reading a dense row, so its trees see 0.
  if (std::fabs(value) <= kZeroThreshold) value = 0;
  if (node.categories >= 0) return IsAmong(tree.categories[static_cast<size_t>(node.categories)], value);
  if (std::isnan(value) && node.missing != MissingType::kNan) value = 0;
  const bool missing = (node.missing == MissingType::kZero && value == 0) || std::isnan(value);
  return missing ? node.default_left : static_cast<double>(value) <= node.threshold;
}

double Walk(const Tree& tree, const float* row) {
  if (tree.nodes.empty()) return tree.leaves[0];
  int32_t at = 0;
  while (at >= 0) {
    const Node& node = tree.nodes[static_cast<size_t>(at)];
    at = GoesLeft(tree, node, row[node.feature]) ? node.left : node.right;
  }
  return tree.leaves[static_cast<size_t>(~at)];
}

class WalkedModel final : public TreeModel {
 public:
  explicit WalkedModel(Ensemble ensemble) : ensemble_(std::move(ensemble)) {}

  size_t feature_count() const override { return ensemble_.feature_names.size(); }
  size_t tree_count() const override { return ensemble_.trees.size(); }
  const std::vector<std::string>& feature_names() const override { return ensemble_.feature_names; }

  void Score(std::span<const float> rows, size_t row_count, std::span<double> out, bool probability) const override {
    for (size_t row = 0; row < row_count; ++row) {
      double sum = 0;
      for (const Tree& tree : ensemble_.trees) sum += Walk(tree, rows.data() + row * feature_count());
      out[row] = sum;
    }
    if (probability) ApplyLink(ensemble_, out.first(row_count));
  }

 private:
  Ensemble ensemble_;
};

}  // namespace

void ApplyLink(const Ensemble& ensemble, std::span<double> scores) {
  if (!ensemble.binary) return;
  for (double& score : scores) score = 1.0f / (1.0f + std::exp(-ensemble.sigmoid * score));
}

std::unique_ptr<TreeModel> MakeWalkedModel(Ensemble ensemble) {
  return std::make_unique<WalkedModel>(std::move(ensemble));
}

Result<std::unique_ptr<TreeModel>> ParseLightGbmModelSlow(std::string_view text) {
  FEEDMILL_ASSIGN(Ensemble ensemble, ParseEnsemble(text));
  return MakeWalkedModel(std::move(ensemble));
}

}  // namespace feedmill::model
