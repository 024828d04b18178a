#include "train/als.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/thread_pool.h"
#include "train/vector_math_internal.h"

namespace feedmill::train {
namespace {

constexpr size_t kRowGrain = 64;
constexpr size_t kGramChunks = 64;  // fixed, so that sums do not depend on the number of threads
constexpr uint32_t kDimensionMax = 1024;
constexpr double kResidualSmall = 1e-10;

// Interactions by row of one side (compressed sparse rows), each row sorted by column.
struct SparseRows {
  std::vector<size_t> starts;
  std::vector<uint32_t> columns;
  std::vector<float> weights;
  size_t RowCount() const { return starts.size() - 1; }
};

template <typename RowOf, typename ColumnOf>
SparseRows MakeRows(std::span<const Interaction> interactions, size_t row_count, RowOf row_of, ColumnOf column_of) {
  std::vector<Interaction> sorted(interactions.begin(), interactions.end());
  std::ranges::stable_sort(sorted, [&](const Interaction& a, const Interaction& b) {
    return row_of(a) != row_of(b) ? row_of(a) < row_of(b) : column_of(a) < column_of(b);
  });
  SparseRows rows;
  rows.starts.assign(row_count + 1, 0);
  for (const Interaction& interaction : sorted) {
    ++rows.starts[row_of(interaction) + 1];
    rows.columns.push_back(column_of(interaction));
    rows.weights.push_back(interaction.weight);
  }
  for (size_t row = 0; row < row_count; ++row) rows.starts[row + 1] += rows.starts[row];
  return rows;
}

// One half-step: solves every row's normal equations against the fixed other side.
class HalfStep {
 public:
  HalfStep(const SparseRows& rows, const AlsOptions& options, ThreadPool& pool)
      : rows_(rows), options_(options), pool_(pool), dimension_(options.dimension) {}

  void Run(const std::vector<float>& fixed, std::vector<float>* solved) {
    ComputeGram(fixed);
    const double fixed_count = static_cast<double>(fixed.size() / dimension_);
    pool_.ParallelFor(rows_.RowCount(), kRowGrain, [&](size_t begin, size_t end) {
      std::vector<float> scratch(dimension_ * 3);
      for (size_t row = begin; row < end; ++row)
        SolveRow(row, fixed, fixed_count, scratch.data(), solved->data() + row * dimension_);
    });
  }

 private:
  // a0 * sum of y y^T, in a fixed number of parts added in order.
  void ComputeGram(const std::vector<float>& fixed) {
    const size_t count = fixed.size() / dimension_, cells = size_t{dimension_} * dimension_;
    std::vector<float> parts(kGramChunks * cells);
    pool_.ParallelFor(kGramChunks, 1, [&](size_t begin, size_t end) {
      for (size_t chunk = begin; chunk < end; ++chunk) {
        float* part = parts.data() + chunk * cells;
        for (size_t i = count * chunk / kGramChunks; i < count * (chunk + 1) / kGramChunks; ++i) {
          const float* y = fixed.data() + i * dimension_;
          for (size_t r = 0; r < dimension_; ++r) AddScaled(y[r], y, part + r * dimension_, dimension_);
        }
      }
    });
    gram_.assign(cells, 0);
    for (size_t chunk = 0; chunk < kGramChunks; ++chunk) {
      AddScaled(static_cast<float>(options_.unobserved_weight), parts.data() + chunk * cells, gram_.data(), cells);
    }
  }

  // out = (a0 G + sum w y y^T + ridge I) p
  void Apply(size_t row, const std::vector<float>& fixed, float ridge, const float* p, float* out) const {
    for (size_t r = 0; r < dimension_; ++r) out[r] = ridge * p[r];
    for (size_t r = 0; r < dimension_; ++r) AddScaled(p[r], gram_.data() + r * dimension_, out, dimension_);
    for (size_t i = rows_.starts[row]; i < rows_.starts[row + 1]; ++i) {
      const float* y = fixed.data() + size_t{rows_.columns[i]} * dimension_;
      AddScaled(rows_.weights[i] * Dot(y, p, dimension_), y, out, dimension_);
    }
  }

  // Conjugate gradient from the vector of the last iteration (Takacs, Pilaszy, Tikk 2011).
  void SolveRow(size_t row, const std::vector<float>& fixed, double fixed_count, float* scratch, float* x) const {
    const size_t count = rows_.starts[row + 1] - rows_.starts[row];
    if (count == 0) return static_cast<void>(std::fill_n(x, dimension_, 0.0f));
    const double reach = static_cast<double>(count) + options_.unobserved_weight * fixed_count;
    const float ridge = static_cast<float>(options_.regularization * std::pow(reach, options_.regularization_exponent));
    float* residual = scratch;
    float* direction = scratch + dimension_;
    float* applied = scratch + 2 * dimension_;
    Apply(row, fixed, ridge, x, applied);
    for (size_t d = 0; d < dimension_; ++d) residual[d] = -applied[d];
    for (size_t i = rows_.starts[row]; i < rows_.starts[row + 1]; ++i) {
      AddScaled(rows_.weights[i], fixed.data() + size_t{rows_.columns[i]} * dimension_, residual, dimension_);
    }
    std::copy_n(residual, dimension_, direction);
    float length = Dot(residual, residual, dimension_);
    for (int step = 0; step < options_.solver_steps && length > kResidualSmall; ++step) {
      Apply(row, fixed, ridge, direction, applied);
      const float by = length / Dot(direction, applied, dimension_);
      AddScaled(by, direction, x, dimension_);
      AddScaled(-by, applied, residual, dimension_);
      const float next = Dot(residual, residual, dimension_);
      for (size_t d = 0; d < dimension_; ++d) direction[d] = residual[d] + next / length * direction[d];
      length = next;
    }
  }

  const SparseRows& rows_;
  const AlsOptions& options_;
  ThreadPool& pool_;
  size_t dimension_;
  std::vector<float> gram_;
};

std::vector<float> InitialVectors(size_t count, const AlsOptions& options, uint64_t stream) {
  Random random = Random(options.seed).Fork(stream);
  const double deviation = 0.1 / std::sqrt(static_cast<double>(options.dimension));
  std::vector<float> vectors(count * options.dimension);
  for (float& value : vectors) value = static_cast<float>(random.Normal() * deviation);
  return vectors;
}

Status CheckInput(std::span<const Interaction> interactions, uint32_t user_count, uint32_t item_count,
                  const AlsOptions& options) {
  if (options.dimension < 8 || options.dimension > kDimensionMax || options.dimension % 8 != 0) {
    return InvalidArgument("ALS dimension {} found, a multiple of 8 from 8 to {} allowed", options.dimension,
                           kDimensionMax);
  }
  if (options.iterations < 1 || options.solver_steps < 1 || options.threads < 1) {
    return InvalidArgument("ALS needs at least 1 iteration, solver step and thread; {}, {} and {} found",
                           options.iterations, options.solver_steps, options.threads);
  }
  if (!(options.unobserved_weight >= 0) || !(options.regularization > 0)) {
    return InvalidArgument("ALS unobserved weight {} and regularization {} found; 0 or more, and more than 0 allowed",
                           options.unobserved_weight, options.regularization);
  }
  for (const Interaction& interaction : interactions) {
    const bool known = interaction.user < user_count && interaction.item < item_count;
    if (known && interaction.weight > 0 && std::isfinite(interaction.weight)) continue;
    return InvalidArgument(
        "interaction of user {} and item {} with weight {}; users below {}, items below {} and positive weights "
        "allowed",
        interaction.user, interaction.item, interaction.weight, user_count, item_count);
  }
  return Ok();
}

}  // namespace

Result<AlsModel> TrainAls(std::span<const Interaction> interactions, uint32_t user_count, uint32_t item_count,
                          const AlsOptions& options, const std::function<void(int)>& on_iteration) {
  FEEDMILL_TRY(CheckInput(interactions, user_count, item_count, options));
  const auto user = [](const Interaction& interaction) { return interaction.user; };
  const auto item = [](const Interaction& interaction) { return interaction.item; };
  const SparseRows by_user = MakeRows(interactions, user_count, user, item),
                   by_item = MakeRows(interactions, item_count, item, user);
  AlsModel model = {options.dimension, InitialVectors(user_count, options, 1), InitialVectors(item_count, options, 2)};
  ThreadPool pool(options.threads - 1);
  HalfStep users(by_user, options, pool), items(by_item, options, pool);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    users.Run(model.items, &model.users);
    items.Run(model.users, &model.items);
    if (on_iteration) on_iteration(iteration + 1);
  }
  return model;
}

}  // namespace feedmill::train
