#include "train/recall_trainer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/hash.h"
#include "base/time_text.h"
#include "query/sql_text.h"
#include "train/data_end.h"

namespace feedmill::train {
namespace {

constexpr size_t kRecallPlaces = 100;
constexpr size_t kEvaluatedUsersMax = 20'000;  // spread evenly over all users: more would not change the figures

struct Reading {
  std::unordered_map<std::string, uint32_t> users, posts;
  std::vector<TimedInteraction> interactions;
};

uint32_t NumberOf(std::unordered_map<std::string, uint32_t>* numbers, std::string_view id) {
  return numbers->try_emplace(std::string(id), static_cast<uint32_t>(numbers->size())).first->second;
}

// Replaces numbers given in order of appearance by places in the sorted list of ids.
std::vector<uint32_t> SortIds(const std::unordered_map<std::string, uint32_t>& numbers,
                              std::vector<std::string>* sorted) {
  sorted->clear();
  for (const auto& [id, number] : numbers) sorted->push_back(id);
  std::ranges::sort(*sorted);
  std::vector<uint32_t> places(numbers.size());
  for (uint32_t place = 0; place < sorted->size(); ++place) places[numbers.at((*sorted)[place])] = place;
  return places;
}

std::string WeightCase(const AlsPlan& plan) {
  std::string sql = "CASE event_name";
  for (const auto& [event, weight] : plan.weights)
    sql += fmt::format(" WHEN {} THEN {:.9g}", query::QuoteText(event), weight);
  return sql + " ELSE 0 END";
}

float Decayed(const TimedInteraction& at, const AlsPlan& plan, Micros cut) {
  const double halvings = static_cast<double>(cut - at.time) / static_cast<double>(plan.half_life);
  return std::max(1e-6f, static_cast<float>(at.interaction.weight * std::exp2(-halvings)));
}

// Numbers of the posts with enough users, packed; others are kAbsent.
constexpr uint32_t kAbsent = 0xffffffff;
std::vector<uint32_t> PackedPosts(const InteractionSet& set, const AlsPlan& plan, Micros before, uint32_t* count) {
  std::vector<int64_t> users(set.posts.size());
  for (const TimedInteraction& at : set.interactions) users[at.interaction.item] += at.time < before ? 1 : 0;
  std::vector<uint32_t> packed(set.posts.size(), kAbsent);
  *count = 0;
  for (size_t post = 0; post < users.size(); ++post) {
    if (users[post] >= plan.users_per_post_min) packed[post] = (*count)++;
  }
  return packed;
}

std::vector<Interaction> Select(const InteractionSet& set, const AlsPlan& plan, std::span<const uint32_t> packed,
                                Micros from, Micros to, Micros cut) {
  std::vector<Interaction> selected;
  for (const TimedInteraction& at : set.interactions) {
    const uint32_t post = packed[at.interaction.item];
    if (at.time < from || at.time >= to || post == kAbsent) continue;
    selected.push_back({at.interaction.user, post, Decayed(at, plan, cut)});
  }
  return selected;
}

// The instant before which all but the last share of the interactions lie.
Micros LaterStart(const InteractionSet& set, const AlsPlan& plan) {
  std::vector<Micros> times;
  for (const TimedInteraction& at : set.interactions) times.push_back(at.time);
  const auto nth = times.begin() + static_cast<ptrdiff_t>(static_cast<double>(times.size()) * (1 - plan.later_share));
  std::ranges::nth_element(times, nth);
  return *nth;
}

std::vector<Interaction> ThinUsers(std::vector<Interaction> interactions, size_t user_count) {
  const size_t stride = user_count / kEvaluatedUsersMax + 1;
  std::erase_if(interactions, [stride](const Interaction& at) { return at.user % stride != 0; });
  return interactions;
}

Status Measure(const InteractionSet& set, const AlsPlan& plan, RecallResult* result) {
  const Micros border = LaterStart(set, plan), end = std::numeric_limits<Micros>::max();
  uint32_t posts = 0;
  const std::vector<uint32_t> packed = PackedPosts(set, plan, border, &posts);
  const std::vector<Interaction> known = Select(set, plan, packed, std::numeric_limits<Micros>::min(), border, border);
  const std::vector<Interaction> later = ThinUsers(Select(set, plan, packed, border, end, border), set.users.size());
  if (known.empty() || later.empty()) {
    result->notes.push_back("recall is not measured: no later interaction with a post known before");
    return Ok();
  }
  FEEDMILL_ASSIGN(const AlsModel model,
                  TrainAls(known, static_cast<uint32_t>(set.users.size()), posts, plan.options, nullptr));
  const RecallFigures vectors = EvaluateAls(model, known, later, kRecallPlaces, plan.options.threads);
  const RecallFigures popular = EvaluatePopularity(known, later, posts, kRecallPlaces);
  result->metrics = {{"recall100", vectors.recall},
                     {"recall100_popularity", popular.recall},
                     {"recall_users", static_cast<double>(vectors.users)},
                     {"recall_posts", static_cast<double>(posts)}};
  return Ok();
}

// Leaves out users without a vector.
void KeepUsersWithInteractions(const InteractionSet& set, std::span<const Interaction> interactions,
                               RecallResult* result) {
  std::vector<bool> active(set.users.size());
  for (const Interaction& at : interactions) active[at.user] = true;
  std::vector<float> kept;
  for (uint32_t user = 0; user < set.users.size(); ++user) {
    if (!active[user]) continue;
    result->users.push_back(set.users[user]);
    const std::span<const float> vector = result->model.User(user);
    kept.insert(kept.end(), vector.begin(), vector.end());
  }
  result->model.users = std::move(kept);
}

// What training takes: an interaction as it is read, by user and by post; a user's or a post's id, how it is found, and
// its vector, twice while it grows.
constexpr uint64_t kInteractionBytes = 100, kIdBytes = 250;
constexpr double kTrainingShare = 0.6;  // of the process

// How many of the users fit into the plan's memory with all that they did in `rows`.
Result<double> ShareThatFits(query::Session& session, const AlsPlan& plan, const std::string& rows) {
  if (plan.memory_bytes_max == 0) return 1.0;
  const double room = kTrainingShare * static_cast<double>(plan.memory_bytes_max);
  const double entity_bytes = static_cast<double>(kIdBytes + 2 * sizeof(float) * plan.options.dimension);
  const auto count = [&](std::string_view figures) {
    return session.Query(fmt::format("SELECT {} FROM {}", figures, rows));
  };
  FEEDMILL_ASSIGN(const query::Rows counted, count("CAST(COUNT(*) AS BIGINT)"));
  const double interactions = static_cast<double>(std::get<int64_t>(counted.rows.at(0).at(0)));
  if (interactions * (kInteractionBytes + 2 * entity_bytes) <= room) return 1.0;
  FEEDMILL_ASSIGN(const query::Rows distinct,
                  count(fmt::format("CAST(approx_count_distinct(user_id) + approx_count_distinct({}) AS BIGINT)",
                                    query::QuoteName(plan.item_id))));
  const double entities = static_cast<double>(std::get<int64_t>(distinct.rows.at(0).at(0)));
  return std::min(1.0, room / (interactions * kInteractionBytes + entities * entity_bytes));
}

bool IsKept(std::string_view user, double share) { return static_cast<double>(Hash64(user) >> 11) * 0x1p-53 < share; }

}  // namespace

Result<InteractionSet> ReadInteractions(query::Session& session, const AlsPlan& plan, Micros cut) {
  const std::string rows = fmt::format(
      "dwd_user_action WHERE event_time < CAST('{}' AS TIMESTAMPTZ) AND user_id IS NOT NULL AND {} IS NOT NULL "
      "AND {} > 0",
      FormatTime(cut), query::QuoteName(plan.item_id), WeightCase(plan));
  InteractionSet set;
  FEEDMILL_ASSIGN(const std::optional<Micros> end, DataEnd(session, rows, cut));
  set.end = end.value_or(cut);
  const std::string of_window =
      fmt::format("{} AND event_time >= CAST('{}' AS TIMESTAMPTZ)", rows, FormatTime(set.end - plan.window));
  FEEDMILL_ASSIGN(set.users_share, ShareThatFits(session, plan, of_window));
  const std::string sql = fmt::format(
      "SELECT user_id, {0} AS item_id, CAST(MAX({1}) AS DOUBLE) AS weight, MAX(event_time) AS last_time FROM {2} "
      "GROUP BY user_id, {0}",
      query::QuoteName(plan.item_id), WeightCase(plan), of_window);
  Reading reading;
  FEEDMILL_TRY(session.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      if (!IsKept(chunk.Text(0, row), set.users_share)) continue;
      const uint32_t user = NumberOf(&reading.users, chunk.Text(0, row)),
                     post = NumberOf(&reading.posts, chunk.Text(1, row));
      reading.interactions.push_back({{user, post, static_cast<float>(chunk.Doubles(2)[row])}, chunk.Longs(3)[row]});
    }
    return Ok();
  }));
  const std::vector<uint32_t> users = SortIds(reading.users, &set.users), posts = SortIds(reading.posts, &set.posts);
  for (TimedInteraction& at : reading.interactions) {
    at.interaction.user = users[at.interaction.user];
    at.interaction.item = posts[at.interaction.item];
  }
  set.interactions = std::move(reading.interactions);
  std::ranges::sort(set.interactions, {},
                    [](const TimedInteraction& at) { return std::pair(at.interaction.user, at.interaction.item); });
  return set;
}

Result<RecallResult> TrainRecall(const InteractionSet& set, const AlsPlan& plan,
                                 const std::function<void(double, std::string_view)>& on_progress) {
  RecallResult result;
  result.model.dimension = plan.options.dimension;
  if (set.users_share < 1) {
    result.notes.push_back(fmt::format("vectors for {:.1f} % of the users: the step's {} MiB hold no more",
                                       100 * set.users_share, plan.memory_bytes_max >> 20));
  }
  if (static_cast<int64_t>(set.interactions.size()) < plan.interactions_min) {
    result.notes.push_back(
        fmt::format("no vectors: {} interactions in the window, at least {} (data.interactions_min of als.toml) needed",
                    set.interactions.size(), plan.interactions_min));
    return result;
  }
  if (on_progress) on_progress(0.05, "vectors of the earlier part, to measure recall");
  FEEDMILL_TRY(Measure(set, plan, &result));
  uint32_t posts = 0;
  const Micros first = std::numeric_limits<Micros>::min(), end = std::numeric_limits<Micros>::max();
  const std::vector<uint32_t> packed = PackedPosts(set, plan, end, &posts);
  const std::vector<Interaction> all = Select(set, plan, packed, first, end, set.end);
  const auto on_iteration = [&](int done) {
    if (on_progress)
      on_progress(0.5 + 0.45 * done / plan.options.iterations,
                  fmt::format("iteration {} of {}", done, plan.options.iterations));
  };
  FEEDMILL_ASSIGN(result.model,
                  TrainAls(all, static_cast<uint32_t>(set.users.size()), posts, plan.options, on_iteration));
  for (size_t post = 0; post < set.posts.size(); ++post) {
    if (packed[post] != kAbsent) result.posts.push_back(set.posts[post]);
  }
  KeepUsersWithInteractions(set, all, &result);
  return result;
}

}  // namespace feedmill::train
