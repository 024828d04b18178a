// A tree ensemble as plain data, and its reading from LightGBM's text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/tree_model.h"

namespace feedmill::model {

// Limits of a model text; all are far above what the trainer makes and keep a hostile text from costing much.
inline constexpr size_t kModelTextBytesMax = 512u << 20;
inline constexpr size_t kFeaturesMax = 65'536;
inline constexpr size_t kTreesMax = 100'000;
inline constexpr size_t kLeavesPerTreeMax = 65'536;

// How a node treats a missing value (LightGBM's names): kNone reads NaN as 0, kZero sends 0 and NaN the default way,
// kNan sends NaN.
enum class MissingType : uint8_t { kNone = 0, kZero = 1, kNan = 2 };

struct Node {
  uint32_t feature = 0;
  MissingType missing = MissingType::kNone;
  bool default_left = false;
  double threshold = 0;  // left when value <= threshold
  int32_t left = 0;      // >= 0: node; < 0: leaf ~left
  int32_t right = 0;
  int32_t categories = -1;  // >= 0: of Tree::categories; left when the value, cut to an integer, is one of them
};

using Categories = std::vector<uint32_t>;  // bit c % 32 of word c / 32 is set: c is among them

// One leaf and no node, or node 0 is the root. Every node and leaf is reached exactly once.
struct Tree {
  std::vector<Node> nodes;
  std::vector<double> leaves;
  std::vector<Categories> categories;
};

struct Ensemble {
  std::vector<std::string> feature_names;
  bool binary = false;  // objective "binary": p = 1 / (1 + exp(-sigmoid * score))
  double sigmoid = 1;
  std::vector<Tree> trees;
};

// LightGBM's zero: inputs this near to 0 are 0 to it (`kZeroThreshold`, a float literal).
inline constexpr float kZeroThreshold = 1e-35f;

// Categories are below it: LightGBM cuts a value to an int.
inline constexpr float kCategoryEnd = 2147483648.0f;

// kInvalidArgument names the line and what is allowed there.
Result<Ensemble> ParseEnsemble(std::string_view text);

// Turns raw scores into probabilities in place, when the ensemble's objective has them.
void ApplyLink(const Ensemble& ensemble, std::span<double> scores);

std::unique_ptr<TreeModel> MakeWalkedModel(Ensemble ensemble);

}  // namespace feedmill::model
