#include "train/rank_trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "model/tree_model.h"
#include "train/light_gbm.h"
#include "train/metrics.h"

namespace feedmill::train {
namespace {

constexpr int kNdcgPlaces = 10;
constexpr int kCalibrationBins = 10;

struct Candidate {
  std::string loss;
  std::string model_text;
  double validation_ndcg = -1;
};

std::string DatasetParameters(const RankPlan& plan) {
  return fmt::format(
      "verbosity=-1 max_bin=255 deterministic=true force_row_wise=true num_threads={} seed={} min_data_in_leaf={}",
      plan.threads, plan.seed, plan.rows_per_leaf_min);
}

std::string BoosterParameters(const RankPlan& plan, const std::string& loss) {
  const std::string_view metric = loss == "binary" ? "auc" : "ndcg";
  return fmt::format(
      "{} objective={} metric={} eval_at={} num_leaves={} learning_rate={} feature_fraction={} objective_seed={}",
      DatasetParameters(plan), loss, metric, kNdcgPlaces, plan.leaves, plan.learning_rate, plan.feature_share,
      plan.seed);
}

// Labels, requests and users of a slice, with scores beside them.
struct Judged {
  std::span<const uint8_t> labels;
  std::span<const uint32_t> requests;
  std::span<const uint32_t> users;
};

Judged Judge(const SampleSet& samples, const std::string& action, const Slice& slice) {
  return {std::span(samples.labels.at(action)).subspan(slice.begin, slice.size()),
          std::span(samples.requests).subspan(slice.begin, slice.size()),
          std::span(samples.users).subspan(slice.begin, slice.size())};
}

double Positives(std::span<const uint8_t> labels) { return static_cast<double>(std::ranges::count(labels, 1)); }

std::vector<float> AsFloats(std::span<const uint8_t> labels) { return {labels.begin(), labels.end()}; }

// Measures a figure only when there is something to measure.
void Put(std::map<std::string, double>* metrics, const std::string& name, double value) {
  if (std::isfinite(value)) (*metrics)[name] = value;
}

class RankTrainer {
 public:
  RankTrainer(const SampleSet& samples, const features::FeatureSet& set, const RankPlan& plan, const Split& split)
      : samples_(samples), plan_(plan), split_(split), training_features_(samples.features) {
    for (size_t i = 0; i < set.features.size(); ++i) {
      if (set.features[i].kind == features::FeatureKind::kPosition) position_column_ = i;
    }
  }

  Status Prepare() {
    PutShownPositions();
    FEEDMILL_ASSIGN(training_, MakeDataset(split_.training, nullptr));
    FEEDMILL_ASSIGN(validation_, MakeDataset(split_.validation, &*training_));
    return Ok();
  }

  // Nothing when the training or validation slice has too few positives (a note says so).
  Result<std::optional<RankedAction>> TrainAction(const ActionPlan& action, RankResult* result) {
    const Judged training = Judge(samples_, action.action, split_.training),
                 validation = Judge(samples_, action.action, split_.validation);
    const double positives = Positives(training.labels);
    if (positives < static_cast<double>(action.positives_min) || Positives(validation.labels) == 0) {
      result->notes.push_back(
          fmt::format("no model for {}: {} positives in the training slice, {} needed, and {} in the validation slice",
                      action.action, positives, action.positives_min, Positives(validation.labels)));
      return std::nullopt;
    }
    FEEDMILL_ASSIGN(const Candidate best, BestCandidate(action, training, validation, result));
    FEEDMILL_ASSIGN(const std::vector<double> raw, Score(best.model_text, split_.validation));
    return RankedAction{action.action, best.loss, best.model_text, FitCalibration(validation.labels, raw),
                        action.weight};
  }

  // Scores as serving would give them: with the position feature at its constant.
  Result<std::vector<double>> Score(const std::string& model_text, const Slice& slice) const {
    FEEDMILL_ASSIGN(const auto model, model::ParseLightGbmModel(model_text));
    if (model->feature_names() != samples_.feature_names)
      return InvalidArgument("the model was trained on other features than the samples hold");
    std::vector<double> scores(slice.size());
    model->Score(samples_.Features(slice), slice.size(), scores, false);
    return scores;
  }

 private:
  // While training, the position feature holds the place where the row was shown, so that the trees can put its effect
  // there.
  void PutShownPositions() {
    if (!position_column_) return;
    for (size_t row = 0; row < samples_.row_count(); ++row) {
      training_features_[row * samples_.feature_names.size() + *position_column_] = samples_.positions[row];
    }
  }

  Result<Dataset> MakeDataset(const Slice& slice, const Dataset* reference) const {
    const size_t width = samples_.feature_names.size();
    const std::vector<float> labels(slice.size(), 0);
    const std::vector<int32_t> groups = samples_.GroupSizes(slice);
    const DatasetInput input = {
        .features = std::span(training_features_).subspan(slice.begin * width, slice.size() * width),
        .feature_names = samples_.feature_names,
        .labels = labels,
        .weights = {},
        .group_sizes = groups};
    return Dataset::Make(input, DatasetParameters(plan_), reference);
  }

  Result<Candidate> BestCandidate(const ActionPlan& action, const Judged& training, const Judged& validation,
                                  RankResult* result) {
    FEEDMILL_TRY(training_->SetLabels(AsFloats(training.labels)));
    FEEDMILL_TRY(validation_->SetLabels(AsFloats(validation.labels)));
    Candidate best;
    std::string tried;
    for (const std::string& loss : action.losses) {
      FEEDMILL_ASSIGN(std::string text, TrainLoss(loss));
      FEEDMILL_ASSIGN(const std::vector<double> raw, Score(text, split_.validation));
      const double ndcg = Ndcg(validation.labels, raw, validation.requests, kNdcgPlaces);
      tried += fmt::format("{}{} {:.5f}", tried.empty() ? "" : ", ", loss, ndcg);
      if (ndcg > best.validation_ndcg) best = {loss, std::move(text), ndcg};
    }
    result->notes.push_back(
        fmt::format("{}: {} (NDCG@{} on the validation slice: {})", action.action, best.loss, kNdcgPlaces, tried));
    return best;
  }

  // Trains until the validation figure (AUC or NDCG@10: larger is better) has not grown for `patience` rounds.
  Result<std::string> TrainLoss(const std::string& loss) {
    FEEDMILL_ASSIGN(Booster booster, Booster::Make(*training_, BoosterParameters(plan_, loss)));
    FEEDMILL_TRY(booster.AddValidation(*validation_));
    double best = -1;
    int best_rounds = 1;
    for (int round = 1; round <= plan_.rounds_max && round - best_rounds <= plan_.patience; ++round) {
      FEEDMILL_ASSIGN(const bool grew, booster.Update());
      FEEDMILL_ASSIGN(const std::vector<double> figures, booster.Evaluate());
      if (!figures.empty() && figures[0] > best) {
        best = figures[0];
        best_rounds = round;
      }
      if (!grew) break;
    }
    return booster.ModelText(best_rounds);
  }

  const SampleSet& samples_;
  const RankPlan& plan_;
  const Split& split_;
  std::vector<float> training_features_;
  std::optional<size_t> position_column_;
  std::optional<Dataset> training_, validation_;
};

// Figures of one score column; `prefix` is "" or "live_".
void PutRanking(const Judged& judged, std::span<const double> scores, const std::string& prefix,
                std::map<std::string, double>* metrics) {
  Put(metrics, prefix + "auc", Auc(judged.labels, scores));
  Put(metrics, prefix + "user_auc", GroupedAuc(judged.labels, scores, judged.users));
  Put(metrics, prefix + "ndcg10", Ndcg(judged.labels, scores, judged.requests, kNdcgPlaces));
}

void PutPopularity(const SampleSet& samples, const RankPlan& plan, const Split& split, RankResult* result) {
  const auto found = std::ranges::find(samples.feature_names, plan.popularity);
  if (found == samples.feature_names.end()) {
    result->notes.push_back(fmt::format(
        "no popularity baseline: feature '{}' (data.popularity of rank.toml) is not defined", plan.popularity));
    return;
  }
  const size_t column = static_cast<size_t>(found - samples.feature_names.begin()),
               width = samples.feature_names.size();
  std::vector<double> scores;
  for (size_t row = split.later.begin; row < split.later.end; ++row) {
    const float value = samples.features[row * width + column];
    scores.push_back(std::isnan(value) ? 0 : static_cast<double>(value));
  }
  const Judged later = Judge(samples, "click", split.later);
  Put(&result->metrics, "auc_popularity", Auc(later.labels, scores));
  Put(&result->metrics, "user_auc_popularity", GroupedAuc(later.labels, scores, later.users));
  Put(&result->metrics, "ndcg10_popularity", Ndcg(later.labels, scores, later.requests, kNdcgPlaces));
}

Status MeasureAction(const RankTrainer& trainer, const SampleSet& samples, const Split& split,
                     const RankedAction& action, RankResult* result) {
  const Judged later = Judge(samples, action.action, split.later);
  FEEDMILL_ASSIGN(const std::vector<double> raw, trainer.Score(action.model_text, split.later));
  std::vector<double> probabilities;
  for (const double score : raw) probabilities.push_back(Probability(action.calibration, score));
  const std::string prefix = action.action == "click" ? "" : action.action + "_";
  PutRanking(later, raw, prefix, &result->metrics);
  Put(&result->metrics, prefix + "log_loss", LogLoss(later.labels, probabilities));
  Put(&result->metrics, prefix + "calibration_error", CalibrationError(later.labels, probabilities, kCalibrationBins));
  return Ok();
}

// A leak lets the trees know the labels of their own time: they shine where they were trained and not later.
Status CheckLeak(const RankTrainer& trainer, const SampleSet& samples, const RankPlan& plan, const Split& split,
                 RankResult* result) {
  FEEDMILL_ASSIGN(const std::vector<double> raw, trainer.Score(result->actions[0].model_text, split.training));
  const double training_auc = Auc(Judge(samples, "click", split.training).labels, raw);
  Put(&result->metrics, "training_auc", training_auc);
  const auto later = result->metrics.find("auc");
  if (later == result->metrics.end() || !std::isfinite(training_auc)) return Ok();
  const double gap = training_auc - later->second;
  result->metrics["leak_gap"] = gap;
  if (gap <= plan.leak_gap_max) return Ok();
  return InvalidArgument(
      "AUC is {:.4f} on the training slice and {:.4f} on the later slice: a gap of {:.4f}, at most {} "
      "(data.leak_gap_max of rank.toml) allowed. A "
      "feature probably knows the future, or the trees are too large for {} rows",
      training_auc, later->second, gap, plan.leak_gap_max, split.training.size());
}

}  // namespace

Result<RankResult> TrainRank(const SampleSet& samples, const features::FeatureSet& set, const RankPlan& plan,
                             const std::string& live_click_model,
                             const std::function<void(double, std::string_view)>& on_progress) {
  FEEDMILL_ASSIGN(const Split split, SplitByTime(samples, plan));
  RankTrainer trainer(samples, set, plan, split);
  FEEDMILL_TRY(trainer.Prepare());
  RankResult result;
  for (size_t i = 0; i < plan.actions.size(); ++i) {
    const ActionPlan& action = plan.actions[i];
    if (on_progress)
      on_progress(static_cast<double>(i) / static_cast<double>(plan.actions.size()), "trees for " + action.action);
    FEEDMILL_ASSIGN(std::optional<RankedAction> trained, trainer.TrainAction(action, &result));
    if (!trained && action.action == "click") return InvalidArgument("{}: show more feeds first", result.notes.back());
    if (!trained) continue;
    FEEDMILL_TRY(MeasureAction(trainer, samples, split, *trained, &result));
    result.actions.push_back(std::move(*trained));
  }
  PutPopularity(samples, plan, split, &result);
  result.metrics["training_rows"] = static_cast<double>(split.training.size());
  result.metrics["later_rows"] = static_cast<double>(split.later.size());
  if (!live_click_model.empty()) {
    FEEDMILL_ASSIGN(const std::vector<double> live, trainer.Score(live_click_model, split.later));
    PutRanking(Judge(samples, "click", split.later), live, "live_", &result.metrics);
  }
  FEEDMILL_TRY(CheckLeak(trainer, samples, plan, split, &result));
  return result;
}

}  // namespace feedmill::train
