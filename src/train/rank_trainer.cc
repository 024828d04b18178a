#include "train/rank_trainer.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/ranges.h>

#include "model/tree_model.h"
#include "train/light_gbm.h"
#include "train/metrics.h"

namespace feedmill::train {
namespace {

constexpr int kNdcgPlaces = 10;
constexpr int kCalibrationBins = 10;
constexpr int kSimplerTriesMax = 3;  // with smaller trees each

struct Candidate {
  std::string loss;
  int rounds = 0;
  std::string model_text;
  double validation_ndcg = -1;
};

std::string DatasetParameters(const RankPlan& plan, std::span<const size_t> categorical) {
  std::string text = fmt::format(
      "verbosity=-1 max_bin=255 deterministic=true force_row_wise=true num_threads={} seed={} min_data_in_leaf={}",
      plan.threads, plan.seed, plan.rows_per_leaf_min);
  if (!categorical.empty()) text += fmt::format(" categorical_feature={}", fmt::join(categorical, ","));
  return text;
}

std::string BoosterParameters(const RankPlan& plan, std::span<const size_t> categorical, const std::string& loss) {
  const std::string_view metric = loss == "binary" ? "auc" : "ndcg";
  return fmt::format(
      "{} objective={} metric={} eval_at={} num_leaves={} learning_rate={} feature_fraction={} objective_seed={}",
      DatasetParameters(plan, categorical), loss, metric, kNdcgPlaces, plan.leaves, plan.learning_rate,
      plan.feature_share, plan.seed);
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
      if (set.features[i].kind == features::FeatureKind::kCategory) categorical_columns_.push_back(i);
    }
  }

  Status Prepare() {
    PutShownPositions();
    FEEDMILL_ASSIGN(training_, MakeDataset(split_.training, nullptr));
    FEEDMILL_ASSIGN(validation_, MakeDataset(split_.validation, &*training_));
    return Ok();
  }

  // What serves: the same loss and number of trees, on every row. The data sets of the twins are given back first.
  Status RefitAll(RankResult* result) {
    training_.reset();
    validation_.reset();
    FEEDMILL_ASSIGN(Dataset all, MakeDataset({0, samples_.row_count()}, nullptr));
    for (RankedAction& action : result->actions) {
      FEEDMILL_TRY(all.SetLabels(AsFloats(samples_.labels.at(action.action))));
      FEEDMILL_ASSIGN(Booster booster, Booster::Make(all, BoosterParameters(plan_, categorical_columns_, action.loss)));
      for (int round = 0; round < action.rounds; ++round) {
        FEEDMILL_ASSIGN(const bool grew, booster.Update());
        if (!grew) break;
      }
      FEEDMILL_ASSIGN(action.model_text, booster.ModelText(action.rounds));
    }
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
    return RankedAction{action.action,   best.loss, best.rounds,
                        best.model_text, "",        FitCalibration(validation.labels, raw),
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
    const std::vector<float> labels(slice.size(), 0), weights = Weights(slice);
    const std::vector<int32_t> groups = samples_.GroupSizes(slice);
    const DatasetInput input = {
        .features = std::span(training_features_).subspan(slice.begin * width, slice.size() * width),
        .feature_names = samples_.feature_names,
        .labels = labels,
        .weights = weights,
        .group_sizes = groups};
    return Dataset::Make(input, DatasetParameters(plan_, categorical_columns_), reference);
  }

  // A row counts half each half-life that it is older than the newest.
  std::vector<float> Weights(const Slice& slice) const {
    std::vector<float> weights;
    weights.reserve(slice.size());
    for (size_t row = slice.begin; row < slice.end; ++row) {
      const double age = static_cast<double>(samples_.times.back() - samples_.times[row]);
      weights.push_back(static_cast<float>(std::exp2(-age / static_cast<double>(plan_.half_life))));
    }
    return weights;
  }

  Result<Candidate> BestCandidate(const ActionPlan& action, const Judged& training, const Judged& validation,
                                  RankResult* result) {
    FEEDMILL_TRY(training_->SetLabels(AsFloats(training.labels)));
    FEEDMILL_TRY(validation_->SetLabels(AsFloats(validation.labels)));
    Candidate best;
    std::string tried;
    for (const std::string& loss : action.losses) {
      FEEDMILL_ASSIGN(Candidate candidate, TrainLoss(loss));
      FEEDMILL_ASSIGN(const std::vector<double> raw, Score(candidate.model_text, split_.validation));
      candidate.validation_ndcg = Ndcg(validation.labels, raw, validation.requests, kNdcgPlaces);
      tried += fmt::format("{}{} {:.5f}", tried.empty() ? "" : ", ", loss, candidate.validation_ndcg);
      if (candidate.validation_ndcg > best.validation_ndcg) best = std::move(candidate);
    }
    result->notes.push_back(
        fmt::format("{}: {} (NDCG@{} on the validation slice: {})", action.action, best.loss, kNdcgPlaces, tried));
    return best;
  }

  // Trains until the validation figure (AUC or NDCG@10: larger is better) has not grown for `patience` rounds.
  Result<Candidate> TrainLoss(const std::string& loss) {
    FEEDMILL_ASSIGN(Booster booster, Booster::Make(*training_, BoosterParameters(plan_, categorical_columns_, loss)));
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
    FEEDMILL_ASSIGN(std::string text, booster.ModelText(best_rounds));
    return Candidate{loss, best_rounds, std::move(text), -1};
  }

  const SampleSet& samples_;
  const RankPlan& plan_;
  const Split& split_;
  std::vector<float> training_features_;
  std::optional<size_t> position_column_;
  std::vector<size_t> categorical_columns_;
  std::optional<Dataset> training_, validation_;
};

// Figures of one score column, named <prefix>auc<suffix>, ...
void PutRanking(const Judged& judged, std::span<const double> scores, const std::string& prefix,
                const std::string& suffix, std::map<std::string, double>* metrics) {
  Put(metrics, prefix + "auc" + suffix, Auc(judged.labels, scores));
  Put(metrics, prefix + "user_auc" + suffix, GroupedAuc(judged.labels, scores, judged.users));
  Put(metrics, prefix + "ndcg10" + suffix, Ndcg(judged.labels, scores, judged.requests, kNdcgPlaces));
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
  const Judged later = Judge(samples, plan.actions[0].action, split.later);
  Put(&result->metrics, "auc_popularity", Auc(later.labels, scores));
  Put(&result->metrics, "user_auc_popularity", GroupedAuc(later.labels, scores, later.users));
  Put(&result->metrics, "ndcg10_popularity", Ndcg(later.labels, scores, later.requests, kNdcgPlaces));
}

Status MeasureAction(const RankTrainer& trainer, const SampleSet& samples, const Split& split,
                     const RankedAction& action, RankResult* result) {
  const Judged later = Judge(samples, action.action, split.later);
  FEEDMILL_ASSIGN(const std::vector<double> raw, trainer.Score(action.twin_text, split.later));
  std::vector<double> probabilities;
  for (const double score : raw) probabilities.push_back(Probability(action.calibration, score));
  const std::string prefix = result->actions.empty() ? "" : action.action + "_";  // the first one is what is judged
  PutRanking(later, raw, prefix, "", &result->metrics);
  Put(&result->metrics, prefix + "log_loss", LogLoss(later.labels, probabilities));
  Put(&result->metrics, prefix + "calibration_error", CalibrationError(later.labels, probabilities, kCalibrationBins));
  return Ok();
}

// A leak lets the trees know the labels of their own time: they shine where they were trained and not later. Trees that
// are too large for few rows do so too.
Result<bool> ShinesOnlyInTraining(const RankTrainer& trainer, const SampleSet& samples, const RankPlan& plan,
                                  const Split& split, RankResult* result) {
  FEEDMILL_ASSIGN(const std::vector<double> raw, trainer.Score(result->actions[0].twin_text, split.training));
  const double training_auc = Auc(Judge(samples, result->actions[0].action, split.training).labels, raw);
  Put(&result->metrics, "training_auc", training_auc);
  const auto later = result->metrics.find("auc");
  if (later == result->metrics.end() || !std::isfinite(training_auc)) return false;
  const double gap = training_auc - later->second;
  result->metrics["leak_gap"] = gap;
  if (gap <= plan.leak_gap_max) return false;
  result->withheld = fmt::format(
      "no models: AUC is {:.4f} on the training slice and {:.4f} on the later slice: a gap of {:.4f}, at most {} "
      "(data.leak_gap_max of rank.toml) allowed. A feature probably knows the future, or {} rows are too few to learn "
      "from",
      training_auc, later->second, gap, plan.leak_gap_max, split.training.size());
  return true;
}

RankPlan WithSmallerTrees(RankPlan plan) {
  plan.leaves = std::max(2, plan.leaves / 3);
  plan.rows_per_leaf_min *= 2;
  return plan;
}

// Trains and measures one action; nothing when it has too few positives.
Result<bool> AddAction(RankTrainer& trainer, const SampleSet& samples, const Split& split, const ActionPlan& action,
                       RankResult* result) {
  FEEDMILL_ASSIGN(std::optional<RankedAction> trained, trainer.TrainAction(action, result));
  if (!trained) return false;
  FEEDMILL_TRY(MeasureAction(trainer, samples, split, *trained, result));
  result->actions.push_back(std::move(*trained));
  return true;
}

// Some rows of the later slice, for a live twin that was measured on those alone.
struct PickedRows {
  std::vector<uint8_t> labels;
  std::vector<uint32_t> requests;
  std::vector<uint32_t> users;
  std::vector<double> scores;  // of the new twin

  Judged judged() const { return {labels, requests, users}; }
};

PickedRows Pick(const SampleSet& samples, const std::string& judged, const Slice& later, std::span<const size_t> rows,
                std::span<const double> later_scores) {
  PickedRows picked;
  for (const size_t row : rows) {
    picked.labels.push_back(samples.labels.at(judged)[row]);
    picked.requests.push_back(samples.requests[row]);
    picked.users.push_back(samples.users[row]);
    picked.scores.push_back(later_scores[row - later.begin]);
  }
  return picked;
}

Status MeasureLive(const RankTrainer& trainer, const SampleSet& samples, const Split& split, const LiveTwin& live,
                   RankResult* result) {
  if (live.model.empty()) return Ok();
  const std::string& judged = result->actions[0].action;
  if (live.feature_names.empty()) {
    FEEDMILL_ASSIGN(const std::vector<double> scores, trainer.Score(live.model, split.later));
    PutRanking(Judge(samples, judged, split.later), scores, "live_", "", &result->metrics);
    return Ok();
  }
  FEEDMILL_ASSIGN(const auto model, model::ParseLightGbmModel(live.model));
  if (model->feature_names() != live.feature_names)
    return InvalidArgument("the live model knows other features than its bundle states");
  std::vector<double> live_scores(live.rows.size());
  model->Score(live.features, live.rows.size(), live_scores, false);
  FEEDMILL_ASSIGN(const std::vector<double> own, trainer.Score(result->actions[0].twin_text, split.later));
  const PickedRows picked = Pick(samples, judged, split.later, live.rows, own);
  PutRanking(picked.judged(), live_scores, "live_", "", &result->metrics);
  PutRanking(picked.judged(), picked.scores, "", "_beside_live", &result->metrics);
  result->notes.push_back(
      fmt::format("the live bundle knows other features: both were measured on the {} of {} rows that it served",
                  live.rows.size(), split.later.size()));
  return Ok();
}

}  // namespace

Result<RankResult> TrainRank(const SampleSet& samples, const features::FeatureSet& set, const RankPlan& plan,
                             const LiveTwin& live, const std::function<void(double, std::string_view)>& on_progress) {
  FEEDMILL_ASSIGN(const Split split, SplitByTime(samples, plan));
  const auto tell = [&](size_t done, std::string_view what) {
    if (on_progress) on_progress(static_cast<double>(done) / static_cast<double>(plan.actions.size() + 1), what);
  };
  const std::string& judged = plan.actions[0].action;
  RankPlan tried = plan;
  RankResult result;
  std::optional<RankTrainer> trainer;
  for (int attempt = 0;; ++attempt) {
    tell(0, (attempt == 0 ? "trees for " : "smaller trees for ") + judged);
    trainer.emplace(samples, set, tried, split);
    FEEDMILL_TRY(trainer->Prepare());
    FEEDMILL_ASSIGN(const bool trained, AddAction(*trainer, samples, split, plan.actions[0], &result));
    if (!trained) {
      result.withheld = result.notes.back() + ": show more feeds first";
      return result;
    }
    FEEDMILL_ASSIGN(const bool suspicious, ShinesOnlyInTraining(*trainer, samples, plan, split, &result));
    if (!suspicious) break;
    result.actions.clear();
    if (attempt == kSimplerTriesMax) return result;
    tried = WithSmallerTrees(tried);
    result.notes.push_back(
        fmt::format("{}: a gap of {:.4f} between the slices: again with {} leaves of at least {} rows", judged,
                    result.metrics.at("leak_gap"), tried.leaves, tried.rows_per_leaf_min));
  }
  result.withheld.clear();
  for (size_t i = 1; i < plan.actions.size(); ++i) {
    tell(i, "trees for " + plan.actions[i].action);
    FEEDMILL_TRY(AddAction(*trainer, samples, split, plan.actions[i], &result));
  }
  PutPopularity(samples, plan, split, &result);
  result.metrics["training_rows"] = static_cast<double>(split.training.size());
  result.metrics["later_rows"] = static_cast<double>(split.later.size());
  FEEDMILL_TRY(MeasureLive(*trainer, samples, split, live, &result));
  tell(plan.actions.size(), "once more on every row");
  FEEDMILL_TRY(trainer->RefitAll(&result));
  return result;
}

}  // namespace feedmill::train
