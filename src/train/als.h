// Implicit alternating least squares: vectors of users and items from weighted interactions (Hu, Koren, Volinsky 2008),
// in the form of Rendle et al. 2022 (unobserved weight, regularisation that grows with an entity's interactions):
//   minimise  sum_(u,i) w_ui (1 - x_u.y_i)^2 + a0 sum_u,i (x_u.y_i)^2 + l (sum_u r_u |x_u|^2 + sum_i r_i |y_i|^2),
//   r_u = (number of u's interactions + a0 * items)^n, r_i likewise.
// Same input, same vectors, on any number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"

namespace feedmill::train {

struct Interaction {
  uint32_t user = 0;
  uint32_t item = 0;
  float weight = 1;  // positive
};

struct AlsOptions {
  uint32_t dimension = 64;  // a multiple of 8
  int iterations = 12;
  int solver_steps = 4;                // conjugate gradient steps a row, from the last iteration's vector
  double unobserved_weight = 0.1;      // a0
  double regularization = 0.003;       // l
  double regularization_exponent = 1;  // n
  uint64_t seed = 1;
  int threads = 2;
};

struct AlsModel {
  uint32_t dimension = 0;
  std::vector<float> users;  // user_count x dimension
  std::vector<float> items;
  std::span<const float> User(uint32_t user) const {
    return std::span(users).subspan(size_t{user} * dimension, dimension);
  }
  std::span<const float> Item(uint32_t item) const {
    return std::span(items).subspan(size_t{item} * dimension, dimension);
  }
};

// `on_iteration(done)` is called after each iteration; it may be null. A user or item without interactions gets the
// zero vector. kInvalidArgument names an option or interaction out of range.
Result<AlsModel> TrainAls(std::span<const Interaction> interactions, uint32_t user_count, uint32_t item_count,
                          const AlsOptions& options, const std::function<void(int)>& on_iteration);

// Figures of ranked lists over all items without those of `known`, for users with something in `later`; both hold
// (user, item) pairs.
struct RecallFigures {
  double recall = 0;
  double ndcg = 0;
  size_t users = 0;
};
RecallFigures EvaluateAls(const AlsModel& model, std::span<const Interaction> known, std::span<const Interaction> later,
                          size_t k, int threads);
// The same for one list for everybody: items by summed weight in `known`.
RecallFigures EvaluatePopularity(std::span<const Interaction> known, std::span<const Interaction> later,
                                 uint32_t item_count, size_t k);

}  // namespace feedmill::train
