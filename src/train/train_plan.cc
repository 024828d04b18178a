#include "train/train_plan.h"

#include <algorithm>
#include <array>

#include "base/config_document.h"
#include "base/settings.h"

namespace feedmill::train {
namespace {

constexpr std::array<std::string_view, 3> kLosses = {"lambdarank", "rank_xendcg", "binary"};

std::vector<ActionPlan> DefaultActions(const domain::Domain& domain) {
  std::vector<ActionPlan> actions;
  for (const domain::Action* action : domain.Labelled())
    actions.push_back({action->name, action->name, {"binary"}, action->taste, 200});
  if (!actions.empty()) {
    actions[0].losses.assign(kLosses.begin(), kLosses.end());
    actions[0].positives_min = 100;
  }
  return actions;
}

// How long or how dear something was does not say how much it was liked.
std::map<std::string, double> DefaultWeights(const domain::Domain& domain) {
  std::map<std::string, double> weights;
  for (const domain::Action& action : domain.actions) {
    if (!action.IsOutcome() || domain.IsOfUsers(action)) continue;
    for (const std::string& event : action.events) {
      double& weight = weights[event];
      if (action.value.empty()) weight = std::max(weight, action.taste);
    }
  }
  return weights;
}

Status LoadSettings(io::FileSystem& files, const std::string& path, Settings* settings) {
  FEEDMILL_ASSIGN(const bool exists, files.Exists(path));
  if (!exists) return settings->LoadWithoutFile();
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, path));
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(path, text));
  return settings->Load(document);
}

Status CheckLosses(const std::string& path, const ActionPlan& action) {
  for (const std::string& loss : action.losses) {
    if (std::ranges::find(kLosses, loss) == kLosses.end()) {
      return InvalidArgument("{}: action.{}.losses: found \"{}\", allowed lambdarank, rank_xendcg, binary", path,
                             action.action, loss);
    }
  }
  if (!action.losses.empty()) return Ok();
  return InvalidArgument(
      "{}: action.{}.losses: found nothing, at least one of lambdarank, rank_xendcg, binary is needed", path,
      action.action);
}

void BindTrees(Settings& settings, RankPlan* plan) {
  auto trees = settings.Section("trees", "The boosted trees of every action.");
  trees.Integer("leaves", &plan->leaves, {2, 255}, "leaves of a tree");
  trees.Real("learning_rate", &plan->learning_rate, {0.001, 1}, "share of each tree that counts");
  trees.Integer("rounds_max", &plan->rounds_max, {1, 5000}, "trees at most");
  trees.Integer("patience", &plan->patience, {1, 1000}, "trees without a better validation figure before it stops");
  trees.Integer("rows_per_leaf_min", &plan->rows_per_leaf_min, {1, 1'000'000}, "rows a leaf needs");
  trees.Real("feature_share", &plan->feature_share, {0.05, 1}, "share of the features each tree may look at");
  trees.Integer("threads", &plan->threads, {1, 256}, "threads; part of what makes two runs equal");
  trees.Integer("seed", &plan->seed, {0, 1'000'000'000}, "seed of the feature choice");
}

}  // namespace

RankPlan FitToMemory(RankPlan plan, size_t feature_count, uint64_t memory_bytes) {
  // A row as it is read, put in order, learned from and binned, with the vectors' room to grow.
  const uint64_t row_bytes = 200 + 20 * static_cast<uint64_t>(feature_count);
  const auto fitting = static_cast<int64_t>(memory_bytes / 2 / row_bytes);
  plan.rows_max = std::min(plan.rows_max, std::max(fitting, plan.rows_min));
  return plan;
}

Result<RankPlan> LoadRankPlan(io::FileSystem& files, const std::string& models_folder, const domain::Domain& domain) {
  RankPlan plan;
  plan.actions = DefaultActions(domain);
  plan.item_id = domain.Shown().id;
  if (plan.actions.empty())
    return InvalidArgument("domain.toml: found no action with a label, at least one is needed to learn from");
  plan.popularity = fmt::format("{}_{}_rate_1d", domain.Shown().name, plan.actions[0].action);
  Settings settings;
  auto data = settings.Section("data", "Which samples are learned from and which are only measured.");
  data.Duration("window", &plan.window, {kMicrosPerDay, 3650 * kMicrosPerDay}, "how far back from the newest rows");
  data.Duration("half_life", &plan.half_life, {kMicrosPerHour, 3650 * kMicrosPerDay}, "after which a row counts half");
  data.Duration("later", &plan.later, {kMicrosPerHour, 365 * kMicrosPerDay},
                "last part of time, only measured; grows until it has rows_min rows");
  data.Real("later_share", &plan.later_share, {0.05, 0.5}, "share of the rows that the later part has at most");
  data.Real("validation_share", &plan.validation_share, {0.05, 0.5},
            "last share of the rest: early stopping, choice of loss, calibration");
  data.Integer("rows_max", &plan.rows_max, {1000, 200'000'000}, "more rows are thinned by whole requests");
  data.Integer("rows_min", &plan.rows_min, {10, 1'000'000'000}, "fewer rows are refused");
  data.Text("popularity", &plan.popularity, "feature that ranks for the popularity baseline");
  data.Real("leak_gap_max", &plan.leak_gap_max, {0, 1},
            "AUC on the training slice minus AUC on the later slice; more means a leak");
  BindTrees(settings, &plan);
  for (ActionPlan& action : plan.actions) {
    auto section = settings.Section("action." + action.action, "");
    section.Text("label", &action.label, "column of ads_sample_ctr");
    section.TextList("losses", &action.losses, "tried in order, the best on the validation slice is kept");
    section.Real("weight", &action.weight, {-1000, 1000}, "in the final score");
    section.Integer("positives_min", &action.positives_min, {1, 1'000'000'000},
                    "positives of the training slice below which there is no model");
  }
  const std::string path = models_folder + "/rank.toml";
  FEEDMILL_TRY(LoadSettings(files, path, &settings));
  for (const ActionPlan& action : plan.actions) FEEDMILL_TRY(CheckLosses(path, action));
  return plan;
}

Result<AlsPlan> LoadAlsPlan(io::FileSystem& files, const std::string& models_folder, const domain::Domain& domain) {
  AlsPlan plan;
  plan.weights = DefaultWeights(domain);
  plan.item_id = domain.Shown().id;
  Settings settings;
  auto data = settings.Section("data", "Which interactions count.");
  data.Duration("window", &plan.window, {kMicrosPerHour, 3650 * kMicrosPerDay}, "how far back");
  data.Duration("half_life", &plan.half_life, {kMicrosPerHour, 3650 * kMicrosPerDay},
                "after which an interaction counts half");
  data.Real("later_share", &plan.later_share, {0.05, 0.5},
            "last share of the interactions by time, to measure recall on");
  data.Integer("interactions_min", &plan.interactions_min, {1, 1'000'000'000}, "with fewer there are no vectors");
  data.Integer("users_per_post_min", &plan.users_per_post_min, {1, 1'000'000}, "a post with fewer has no vector");
  auto weights = settings.Section("weights", "Weight of an event in a user's interest in a post.");
  for (auto& [event, weight] : plan.weights) weights.Real(event, &weight, {0, 1000}, "0 = does not count");
  auto als = settings.Section("als", "Implicit alternating least squares.");
  als.Integer("dimension", &plan.options.dimension, {8, 512}, "numbers a vector, a multiple of 8");
  als.Integer("iterations", &plan.options.iterations, {1, 200}, "passes over users and posts");
  als.Integer("solver_steps", &plan.options.solver_steps, {1, 100}, "conjugate gradient steps a vector and pass");
  als.Real("unobserved_weight", &plan.options.unobserved_weight, {0, 100}, "weight of a pair without interaction");
  als.Real("regularization", &plan.options.regularization, {1e-9, 1000}, "pull towards zero");
  als.Real("regularization_exponent", &plan.options.regularization_exponent, {0, 2},
           "1: grows with an entity's interactions, 0: equal for all");
  als.Integer("seed", &plan.options.seed, {0, 1'000'000'000}, "of the first vectors");
  als.Integer("threads", &plan.options.threads, {1, 256}, "the result does not depend on it");
  FEEDMILL_TRY(LoadSettings(files, models_folder + "/als.toml", &settings));
  return plan;
}

}  // namespace feedmill::train
