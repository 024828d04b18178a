// LightGBM behind its C interface: data set in, booster out. The only header of the room that stands before LightGBM;
// its handles are owned here and freed once. Not thread safe; LightGBM's own threads are set by the parameter
// num_threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::train {

// Rows for a booster; all spans are copied by the data set.
struct DatasetInput {
  std::span<const float> features;  // row_count x feature_names.size(), row-major, NaN = missing
  std::vector<std::string> feature_names;
  std::span<const float> labels;         // row_count
  std::span<const float> weights;        // row_count, or empty
  std::span<const int32_t> group_sizes;  // rows of each request, in order, for query losses; or empty
};

class Dataset {
 public:
  // `reference`: the training set whose bins a validation set must share, or null. `parameters`: "max_bin=255 ...".
  static Result<Dataset> Make(const DatasetInput& input, const std::string& parameters, const Dataset* reference);
  Dataset(Dataset&&) noexcept = default;
  Dataset& operator=(Dataset&&) noexcept = default;
  // Other labels over the same rows, before a booster is made of it.
  Status SetLabels(std::span<const float> labels);
  void* handle() const { return handle_.get(); }

 private:
  Dataset() = default;
  struct Free {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, Free> handle_;
};

class Booster {
 public:
  // The data set must outlive the booster.
  static Result<Booster> Make(const Dataset& training, const std::string& parameters);
  static Result<Booster> FromText(const std::string& model_text);
  Booster(Booster&&) noexcept = default;
  Booster& operator=(Booster&&) noexcept = default;

  Status AddValidation(const Dataset& validation);
  // One more round; false when no further split was possible.
  Result<bool> Update();
  // Metrics of the last validation set, in the order of the parameter `metric`.
  Result<std::vector<double>> Evaluate();
  // Text of the first `iterations` rounds.
  Result<std::string> ModelText(int iterations) const;
  // Raw scores, or probabilities of a binary objective.
  Status Predict(std::span<const float> rows, size_t feature_count, bool raw, const std::string& parameters,
                 std::span<double> out) const;

 private:
  Booster() = default;
  struct Free {
    void operator()(void* handle) const;
  };
  std::unique_ptr<void, Free> handle_;
};

}  // namespace feedmill::train
