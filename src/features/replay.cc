#include "features/replay.h"

#include <algorithm>

#include "base/log.h"
#include "base/time_text.h"
#include "features/feature_tables_internal.h"
#include "features/replay_input_internal.h"

namespace feedmill::features {
namespace {

// One run, on one session: a writer has a connection of its own.
class Replay {
 public:
  static Result<Replay> Open(const ReplayArguments& arguments) {
    Replay replay(arguments);
    FEEDMILL_ASSIGN(replay.input_, arguments.engine->NewSession());
    FEEDMILL_ASSIGN(replay.days_, ReadDays(*replay.input_, *arguments.catalog, arguments.end));
    return replay;
  }

  Status Load(Micros until) {
    FEEDMILL_ASSIGN(
        state_, LoadReplayCheckpoint(*arguments_.files, arguments_.checkpoint_folder, *arguments_.set, until, days_));
    report_.replayed_from = state_.cut;
    for (const DayDigest& day : days_) {
      if (day.day * kMicrosPerDay >= state_.cut) actions_expected_ += day.actions;
    }
    return Ok();
  }

  // Applies whole days up to `until`.
  Status ApplyUntil(Micros until) {
    for (const DayDigest& day : days_) {
      const Micros begin = day.day * kMicrosPerDay;
      if (begin < state_.cut || begin >= until) continue;
      for (const TimeSlice& slice : SlicesOf(day)) FEEDMILL_TRY(ApplySlice(slice, nullptr, nullptr));
    }
    state_.cut = std::max(state_.cut, until);
    return Ok();
  }

  // Loads the counters as of where the samples are to begin.
  Status Begin() {
    FEEDMILL_TRY(RemoveUnacceptedCheckpoints(*arguments_.files, arguments_.checkpoint_folder));
    Micros wanted = 0;
    SampleDays stale;
    if (arguments_.start) {
      wanted = *arguments_.start;
    } else {
      FEEDMILL_ASSIGN(stale, FindStaleSamples(*input_, *arguments_.catalog, arguments_.end));
      wanted = stale.first_stale;
    }
    FEEDMILL_TRY(Load(wanted));
    report_.start = arguments_.start ? wanted : std::max(state_.cut, stale.first_shown);
    return ApplyUntil(report_.start);
  }

  Status WriteSamples() {
    FEEDMILL_ASSIGN(PostHistory posts, PostHistory::Load(*input_, *arguments_.catalog));
    FEEDMILL_ASSIGN(FollowHistory follows, FollowHistory::Load(*input_, *arguments_.catalog));
    posts_ = std::move(posts);
    follows_ = std::move(follows);
    const std::string stem =
        fmt::format("samples-{}-{}", FormatDay(DayOf(report_.start)), FormatDay(DayOf(arguments_.end)));
    FEEDMILL_ASSIGN(TableWriter table,
                    TableWriter::Open(*input_, *arguments_.catalog, std::string(kSampleTable),
                                      SampleColumns(*arguments_.set), {{"event_time", lake::Transform::kDay}}, stem));
    const Micros last_day = arguments_.end - kMicrosPerDay;
    // Every impression is an action, so a day without actions has no samples.
    for (const DayDigest& day : days_) {
      const Micros begin = day.day * kMicrosPerDay;
      if (begin < report_.start) continue;
      if (begin >= last_day) FEEDMILL_TRY(KeepAt(last_day));
      for (const TimeSlice& slice : SlicesOf(day)) {
        FEEDMILL_ASSIGN(ImpressionSlice impressions,
                        ReadImpressions(*input_, *arguments_.catalog, slice, &state_.topics));
        FEEDMILL_TRY(ApplySlice(slice, &impressions, &table));
      }
    }
    FEEDMILL_TRY(KeepAt(arguments_.end));
    std::vector<std::vector<std::optional<int64_t>>> days;
    for (Day day = DayOf(report_.start); day < DayOf(arguments_.end); ++day) days.push_back({day});
    report_.rows_written = table.rows();
    FEEDMILL_TRY(table.Commit(days));
    return AcceptReplayCheckpoints(*arguments_.files, arguments_.checkpoint_folder);
  }

  Status WriteDumpOf(CounterKey key) {
    const std::string stem = fmt::format("dump-{}", FormatDay(DayOf(arguments_.end)));
    FEEDMILL_ASSIGN(TableWriter table, TableWriter::Open(*input_, *arguments_.catalog, DumpTable(key),
                                                         DumpColumns(*arguments_.set, key), {}, stem));
    FEEDMILL_TRY(WriteDump(*input_, *arguments_.catalog, *arguments_.set, key, state_, &table));
    report_.rows_written = table.rows();
    return table.Commit({});
  }

  ReplayReport Finish(Micros began) {
    report_.counter_bytes = state_.counters.MemoryBytes();
    report_.wall_time = MonotonicMicros() - began;
    log::Info("replay done", {{"actions", report_.actions_applied},
                              {"rows", report_.rows_written},
                              {"ms", report_.wall_time / kMicrosPerMilli}});
    return report_;
  }

 private:
  // Says that all before `cut` is applied, and keeps that.
  Status KeepAt(Micros cut) {
    state_.cut = cut;
    return WriteReplayCheckpoint(*arguments_.files, arguments_.checkpoint_folder, *arguments_.set, state_, days_);
  }

  explicit Replay(const ReplayArguments& arguments) : arguments_(arguments), state_(*arguments.set) {}

  // Samples of an instant are computed before any action of that instant is applied.
  Status ApplySlice(TimeSlice slice, const ImpressionSlice* impressions, TableWriter* table) {
    size_t sampled = 0;
    const auto sample_until = [&](Micros time) -> Status {
      while (impressions != nullptr && sampled < impressions->rows.size() && impressions->rows[sampled].as_of <= time) {
        FEEDMILL_TRY(SampleOne(*impressions, &sampled, table));
      }
      return Ok();
    };
    FEEDMILL_TRY(
        StreamActions(*input_, *arguments_.catalog, slice, &state_.topics, [&](const CountedAction& action) -> Status {
          FEEDMILL_TRY(sample_until(action.time));
          state_.counters.Apply(action);
          if (++report_.actions_applied % kProgressActions == 0) Progress();
          return Ok();
        }));
    return sample_until(slice.end);
  }

  // All impressions of one user and instant in one go; moves `*sampled` past them.
  Status SampleOne(const ImpressionSlice& slice, size_t* sampled, TableWriter* table) {
    const Impression& first = slice.rows[*sampled];
    size_t end = *sampled;
    candidates_.clear();
    for (; end < slice.rows.size() && slice.rows[end].as_of == first.as_of && slice.rows[end].user == first.user;
         ++end) {
      const Impression& shown = slice.rows[end];
      CandidateInput candidate{.post = shown.post, .author = shown.author, .topic = shown.topic};
      posts_.Describe(shown.post, first.as_of, &candidate);
      candidate.follows_author = shown.author != kNoEntity && follows_.Follows(shown.user, shown.author, first.as_of);
      candidates_.push_back(candidate);
    }
    const size_t width = arguments_.set->features.size();
    features_.resize(candidates_.size() * width);
    ComputeFeatures(*arguments_.set, state_.counters, first.user, first.as_of, candidates_, features_);
    for (size_t i = 0; i < candidates_.size(); ++i) {
      FEEDMILL_TRY(WriteSample(slice, slice.rows[*sampled + i], std::span(features_).subspan(i * width, width), table));
    }
    *sampled = end;
    return Ok();
  }

  void Progress() const {
    if (arguments_.on_progress && actions_expected_ > 0) {
      arguments_.on_progress(
          std::min(1.0, static_cast<double>(report_.actions_applied) / static_cast<double>(actions_expected_)));
    }
  }

  static constexpr int64_t kProgressActions = 50'000;

  const ReplayArguments& arguments_;
  std::unique_ptr<query::Session> input_;
  std::vector<DayDigest> days_;
  ReplayState state_;
  PostHistory posts_;
  FollowHistory follows_;
  ReplayReport report_;
  int64_t actions_expected_ = 0;
  std::vector<CandidateInput> candidates_;
  std::vector<float> features_;
};

Status CheckInterval(Micros start, Micros end) {
  if (start % kMicrosPerDay == 0 && end % kMicrosPerDay == 0 && start < end) return Ok();
  return InvalidArgument("replay of [{}, {}): both must be midnights UTC, the first earlier", FormatTime(start),
                         FormatTime(end));
}

}  // namespace

Result<ReplayReport> RunSampleReplay(const ReplayArguments& arguments) {
  const Micros began = MonotonicMicros();
  FEEDMILL_TRY(CheckInterval(arguments.start.value_or(arguments.end - kMicrosPerDay), arguments.end));
  FEEDMILL_ASSIGN(Replay replay, Replay::Open(arguments));
  FEEDMILL_TRY(replay.Begin());
  FEEDMILL_TRY(replay.WriteSamples());
  return replay.Finish(began);
}

Result<ReplayReport> RunFeatureDump(const ReplayArguments& arguments, CounterKey key) {
  const Micros began = MonotonicMicros();
  if (key != CounterKey::kUser && key != CounterKey::kPost && key != CounterKey::kAuthor) {
    return InvalidArgument("dump of '{}'; allowed: user, post, author", CounterKeyName(key));
  }
  FEEDMILL_TRY(CheckInterval(arguments.end - kMicrosPerDay, arguments.end));
  FEEDMILL_ASSIGN(Replay replay, Replay::Open(arguments));
  FEEDMILL_TRY(replay.Load(arguments.end));
  FEEDMILL_TRY(replay.ApplyUntil(arguments.end));
  FEEDMILL_TRY(replay.WriteDumpOf(key));
  return replay.Finish(began);
}

}  // namespace feedmill::features
