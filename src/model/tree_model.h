// A trained tree ensemble and its scoring. Scores equal LightGBM's own predictions to the last bit of double.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::model {

class TreeModel {
 public:
  virtual ~TreeModel() = default;
  virtual size_t feature_count() const = 0;
  virtual size_t tree_count() const = 0;
  virtual const std::vector<std::string>& feature_names() const = 0;
  // rows: row_count x feature_count floats, row-major, NaN = missing. out: row_count raw scores (before any link
  // function), or probabilities when the objective was binary and `probability` is set. Pure, any thread.
  virtual void Score(std::span<const float> rows, size_t row_count, std::span<double> out, bool probability) const = 0;
};

// Reads LightGBM's text model (version v4, numerical and categorical splits). Bounded: model text is outside input.
Result<std::unique_ptr<TreeModel>> ParseLightGbmModel(std::string_view text);
// The slow, obvious twin: walks node by node, row by row.
Result<std::unique_ptr<TreeModel>> ParseLightGbmModelSlow(std::string_view text);

}  // namespace feedmill::model
