#include "train/sample_set.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "base/hash.h"
#include "base/time_text.h"
#include "query/sql_text.h"
#include "train/data_end.h"

namespace feedmill::train {
namespace {

constexpr const char* kTable = "ads_sample_ctr";
constexpr size_t kFixedColumns = 6;  // event_time, request, event_id, user, position, item: before labels and features

std::string Columns(const features::FeatureSet& set, const RankPlan& plan) {
  std::string sql =
      "event_time, COALESCE(request_id, concat(user_id, '@', CAST(event_time AS VARCHAR))) AS request, event_id, "
      "user_id, "
      "CAST(COALESCE(position, 0) AS INTEGER) AS position, COALESCE(" +
      query::QuoteName(plan.item_id) + ", '') AS item_id";
  for (const ActionPlan& action : plan.actions)
    sql += fmt::format(", CAST(COALESCE(\"{}\", 0) AS INTEGER)", action.label);
  for (const features::FeatureDefinition& feature : set.features)
    sql += fmt::format(", CAST(\"f_{}\" AS FLOAT)", feature.name);
  return sql;
}

Status CheckColumns(query::Session& session, const features::FeatureSet& set, const RankPlan& plan) {
  FEEDMILL_ASSIGN(const Schema schema, session.DescribeQuery(fmt::format("SELECT * FROM {}", kTable)));
  const auto check = [&](const std::string& name, std::string_view why) -> Status {
    for (const Column& column : schema) {
      if (column.name == name) return Ok();
    }
    return InvalidArgument("table {} has no column '{}' ({}); run the nightly's features.samples step again", kTable,
                           name, why);
  };
  for (const ActionPlan& action : plan.actions)
    FEEDMILL_TRY(check(action.label, "label of action " + action.action + " in rank.toml"));
  for (const auto& feature : set.features)
    FEEDMILL_TRY(check("f_" + feature.name, "feature " + feature.name + " of features/*.toml"));
  return Ok();
}

std::string RowsBefore(Micros cut) {
  return fmt::format("{} WHERE event_time < CAST('{}' AS TIMESTAMPTZ)", kTable, FormatTime(cut));
}

// The rows that count: "table WHERE ..."; "" when there are none before the cut.
Result<std::string> RowsOfWindow(query::Session& session, const RankPlan& plan, Micros cut) {
  FEEDMILL_ASSIGN(const std::optional<Micros> end, DataEnd(session, RowsBefore(cut), cut));
  if (!end) return "";
  return fmt::format("{} AND event_time >= CAST('{}' AS TIMESTAMPTZ)", RowsBefore(cut), FormatTime(*end - plan.window));
}

Result<uint64_t> CountRows(query::Session& session, const std::string& rows) {
  if (rows.empty()) return 0;
  FEEDMILL_ASSIGN(const query::Rows counted, session.Query("SELECT CAST(COUNT(*) AS BIGINT) FROM " + rows));
  return static_cast<uint64_t>(std::get<int64_t>(counted.rows.at(0).at(0)));
}

// Appends the rows of chunks, thinned by whole requests.
class Reader {
 public:
  Reader(const RankPlan& plan, double share, SampleSet* out) : plan_(plan), share_(share), out_(*out) {}

  Status Append(const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      const std::string_view request_id = chunk.Text(1, row);
      const uint64_t request = Hash64(request_id);
      if (static_cast<double>(request >> 11) * 0x1p-53 >= share_) continue;
      requests.push_back(request);
      events.push_back(Hash64(chunk.Text(2, row)));
      out_.shown.push_back(ShownKey(request_id, chunk.Text(kFixedColumns - 1, row)));
      AppendRow(chunk, row);
    }
    return Ok();
  }

  std::vector<uint64_t> requests, events;

 private:
  void AppendRow(const query::Chunk& chunk, size_t row) {
    out_.times.push_back(chunk.Longs(0)[row]);
    const std::string user(chunk.Text(3, row));
    out_.users.push_back(users_.try_emplace(user, static_cast<uint32_t>(users_.size())).first->second);
    out_.positions.push_back(static_cast<float>(chunk.Ints(4)[row]));
    size_t column = kFixedColumns;
    for (const ActionPlan& action : plan_.actions)
      out_.labels[action.action].push_back(chunk.Ints(column++)[row] != 0 ? 1 : 0);
    for (size_t i = 0; i < out_.feature_names.size(); ++i, ++column) {
      const bool missing = chunk.IsNull(column, row);
      out_.features.push_back(missing ? std::numeric_limits<float>::quiet_NaN() : chunk.Floats(column)[row]);
    }
  }

  const RankPlan& plan_;
  double share_;
  SampleSet& out_;
  std::unordered_map<std::string, uint32_t> users_;
};

template <typename T>
void Permute(std::span<const uint32_t> order, size_t width, std::vector<T>* values) {
  std::vector<T> moved(values->size());
  for (size_t row = 0; row < order.size(); ++row) {
    std::copy_n(values->begin() + static_cast<ptrdiff_t>(order[row] * width), width,
                moved.begin() + static_cast<ptrdiff_t>(row * width));
  }
  *values = std::move(moved);
}

// The next row from `at` on with which a request begins.
size_t RequestBorder(const SampleSet& samples, size_t at) {
  while (at > 0 && at < samples.row_count() && samples.requests[at] == samples.requests[at - 1]) ++at;
  return at;
}

size_t PlaceOfShare(size_t rows, double share) { return static_cast<size_t>(static_cast<double>(rows) * share); }

// Where the later slice begins.
size_t LaterBegin(const SampleSet& samples, const RankPlan& plan) {
  const size_t rows = samples.row_count();
  if (rows == 0) return 0;
  const auto by_time = std::ranges::lower_bound(samples.times, samples.times.back() - plan.later);
  const size_t enough = rows - std::min(rows, static_cast<size_t>(plan.rows_min));
  const size_t begin = std::min(static_cast<size_t>(by_time - samples.times.begin()), enough);
  return RequestBorder(samples, std::max(begin, PlaceOfShare(rows, 1 - plan.later_share)));
}

}  // namespace

uint64_t ShownKey(std::string_view request_id, std::string_view post_id) {
  return Hash64(request_id) * 0x9e3779b97f4a7c15ull ^ Hash64(post_id);
}

std::span<const float> SampleSet::Features(const Slice& slice) const {
  return std::span(features).subspan(slice.begin * feature_names.size(), slice.size() * feature_names.size());
}

std::vector<int32_t> SampleSet::GroupSizes(const Slice& slice) const {
  std::vector<int32_t> sizes;
  for (size_t row = slice.begin; row < slice.end; ++row) {
    if (row == slice.begin || requests[row] != requests[row - 1]) sizes.push_back(0);
    ++sizes.back();
  }
  return sizes;
}

void ArrangeSamples(std::span<const uint64_t> request_keys, std::span<const uint64_t> event_keys, SampleSet* samples) {
  std::unordered_map<uint64_t, Micros> starts;
  for (size_t row = 0; row < request_keys.size(); ++row) {
    const auto [found, added] = starts.try_emplace(request_keys[row], samples->times[row]);
    found->second = std::min(found->second, samples->times[row]);
  }
  for (size_t row = 0; row < request_keys.size(); ++row) samples->times[row] = starts.at(request_keys[row]);
  std::vector<uint32_t> order(request_keys.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    if (samples->times[a] != samples->times[b]) return samples->times[a] < samples->times[b];
    if (request_keys[a] != request_keys[b]) return request_keys[a] < request_keys[b];
    return event_keys[a] < event_keys[b];
  });
  samples->requests.resize(order.size());
  for (size_t row = 0; row < order.size(); ++row) {
    const bool same = row > 0 && request_keys[order[row]] == request_keys[order[row - 1]];
    samples->requests[row] = row == 0 ? 0 : samples->requests[row - 1] + (same ? 0 : 1);
  }
  Permute(order, samples->feature_names.size(), &samples->features);
  Permute(order, 1, &samples->times);
  Permute(order, 1, &samples->users);
  Permute(order, 1, &samples->positions);
  Permute(order, 1, &samples->shown);
  for (auto& [action, labels] : samples->labels) Permute(order, 1, &labels);
}

Result<std::string> TooFewSamples(query::Session& session, const RankPlan& plan, Micros cut) {
  FEEDMILL_ASSIGN(const std::string of_window, RowsOfWindow(session, plan, cut));
  FEEDMILL_ASSIGN(const uint64_t rows, CountRows(session, of_window));
  if (rows == 0)
    return "no impression before the cut is old enough for its labels to be known: nothing to learn a ranking from";
  if (rows >= static_cast<uint64_t>(plan.rows_min)) return "";
  return fmt::format("{} holds {} rows before the cut, at least {} (data.rows_min of rank.toml) are needed", kTable,
                     rows, plan.rows_min);
}

Result<SampleSet> ReadSamples(query::Session& session, const features::FeatureSet& set, const RankPlan& plan,
                              Micros cut) {
  FEEDMILL_TRY(CheckColumns(session, set, plan));
  SampleSet samples;
  FEEDMILL_ASSIGN(const std::string rows, RowsOfWindow(session, plan, cut));
  FEEDMILL_ASSIGN(samples.rows_in_table, CountRows(session, rows));
  if (samples.rows_in_table < static_cast<uint64_t>(plan.rows_min)) {
    return InvalidArgument(
        "{} holds {} rows before {}, at least {} (data.rows_min of rank.toml) are needed: show more feeds first",
        kTable, samples.rows_in_table, FormatTime(cut), plan.rows_min);
  }
  for (const auto& feature : set.features) samples.feature_names.push_back(feature.name);
  const double share = static_cast<double>(plan.rows_max) / static_cast<double>(samples.rows_in_table);
  Reader reader(plan, share, &samples);
  FEEDMILL_TRY(session.Stream(fmt::format("SELECT {} FROM {}", Columns(set, plan), rows),
                              [&](const query::Chunk& chunk) { return reader.Append(chunk); }));
  ArrangeSamples(reader.requests, reader.events, &samples);
  return samples;
}

Result<Split> SplitByTime(const SampleSet& samples, const RankPlan& plan) {
  const size_t later = LaterBegin(samples, plan);
  const size_t validation = RequestBorder(samples, PlaceOfShare(later, 1 - plan.validation_share));
  const Split split = {{0, validation}, {validation, later}, {later, samples.row_count()}};
  if (split.training.size() > 0 && split.validation.size() > 0 && split.later.size() > 0) return split;
  return InvalidArgument("{} rows of {} requests cannot be split by time into training, validation and later slice",
                         samples.row_count(), samples.requests.empty() ? 0 : samples.requests.back() + 1);
}

}  // namespace feedmill::train
