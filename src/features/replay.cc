#include "features/replay.h"

#include <algorithm>

#include "base/log.h"
#include "base/time_text.h"
#include "features/feature_tables_internal.h"
#include "features/replay_input_internal.h"

namespace feedmill::features {
namespace {

// Of the memory that posts and authors leave: what is known of one part's users. The rest is for the engine and the
// rows on their way.
constexpr double kUserShare = 0.45;
// The program, the least that the engine gets, and buffers of the writers, however little there is.
constexpr uint64_t kFixedBytes = 256ull << 20;
// What one action adds to what is known of users, at most: a new row of the user and of two pairs would be four times
// that, but most actions meet known ones.
constexpr uint64_t kUserBytesPerAction = 64;
// The same of posts and authors, which every part has whole.
constexpr uint64_t kItemBytesPerAction = 16;
// A table in memory has room to grow; on disk it has not.
constexpr double kRoomy = 1.5;

int PartsFor(const ReplayArguments& arguments, const ReplayCheckpoint& checkpoint, int64_t actions) {
  const auto grown = [actions](uint64_t bytes, uint64_t bytes_per_action) {
    return static_cast<double>(bytes) * kRoomy + static_cast<double>(actions) * static_cast<double>(bytes_per_action);
  };
  const double wanted = grown(checkpoint.user_bytes, kUserBytesPerAction);
  // Parts that were asked for say that the last try had too little: it had the estimated ones.
  const uint64_t memory = arguments.memory_bytes_max;
  const double variable = static_cast<double>(memory - std::min(memory, kFixedBytes));
  const double items = std::min(variable / 2, grown(checkpoint.item_bytes, kItemBytesPerAction));
  const double share = (variable - items) * kUserShare / arguments.parts;
  int parts = 1;
  while (parts < kReplayPartsMax && (parts < arguments.parts || (memory > 0 && wanted > share * parts))) parts *= 2;
  return parts;
}

// One run, on one session: a writer has a connection of its own. What is known of users is kept for one part of them at
// a time; posts, topics and the days are the same for all parts.
class Replay {
 public:
  static Result<std::unique_ptr<Replay>> Open(const ReplayArguments& arguments) {
    FEEDMILL_TRY(CheckLabels(*arguments.set->domain));
    FEEDMILL_ASSIGN(auto input, arguments.engine->NewSession());
    auto replay = std::make_unique<Replay>(arguments, std::move(input));
    replay->ledger_ = DayLedger::Load(*arguments.files, arguments.checkpoint_folder);
    FEEDMILL_ASSIGN(replay->days_, replay->ledger_.ReadActions(*replay->input_, *arguments.catalog,
                                                               *arguments.set->domain, arguments.end));
    return replay;
  }
  Replay(const ReplayArguments& arguments, std::unique_ptr<query::Session> input)
      : arguments_(arguments),
        input_(std::move(input)),
        reader_(*input_, *arguments.catalog, arguments.set->domain, arguments.slice_actions),
        state_(*arguments.set) {}

  Status MakeSamples() {
    FEEDMILL_TRY(RemoveUnacceptedCheckpoints(*arguments_.files, arguments_.checkpoint_folder));
    FEEDMILL_ASSIGN(shares_, SampleShares::Load(*arguments_.catalog, arguments_.end, arguments_.day_samples_max));
    FEEDMILL_ASSIGN(
        const SampleDays sample_days,
        ledger_.FindStaleSamples(*input_, *arguments_.catalog, *arguments_.set->domain, shares_, arguments_.end));
    FEEDMILL_TRY(ledger_.Save(*arguments_.files, arguments_.checkpoint_folder));
    FEEDMILL_TRY(Find(arguments_.start.value_or(sample_days.first_stale)));
    report_.start = arguments_.start.value_or(std::max(checkpoint_.cut, sample_days.first_shown));
    FEEDMILL_ASSIGN(posts_,
                    PostHistory::Load(*input_, *arguments_.catalog, *arguments_.set, report_.start, arguments_.end));
    report_.post_versions = static_cast<int64_t>(posts_.size());
    const std::string stem =
        fmt::format("samples-{}-{}", FormatDay(DayOf(report_.start)), FormatDay(DayOf(arguments_.end)));
    FEEDMILL_ASSIGN(TableWriter table,
                    TableWriter::Open(*input_, arguments_, std::string(kSampleTable), SampleColumns(*arguments_.set),
                                      {{"event_time", lake::Transform::kDay}}, stem));
    for (int part = 0; part < report_.parts; ++part) {
      FEEDMILL_TRY(BeginPart(part));
      FEEDMILL_ASSIGN(follows_, FollowHistory::Load(*input_, *arguments_.catalog, *arguments_.set->domain, part_));
      FEEDMILL_TRY(ApplyUntil(report_.start));
      FEEDMILL_TRY(SamplePart(&table));
    }
    std::vector<std::vector<std::optional<int64_t>>> days;
    for (Day day = DayOf(report_.start); day < DayOf(arguments_.end); ++day) days.push_back({day});
    report_.rows_written = table.rows();
    FEEDMILL_TRY(table.Commit(days));
    return AcceptReplayCheckpoints(*arguments_.files, arguments_.checkpoint_folder);
  }

  Status MakeDumps() {
    FEEDMILL_TRY(ledger_.Save(*arguments_.files, arguments_.checkpoint_folder));
    FEEDMILL_TRY(Find(arguments_.end));
    const std::string stem = fmt::format("dump-{}", FormatDay(DayOf(arguments_.end)));
    std::vector<std::pair<CounterKey, TableWriter>> tables;
    for (const CounterKey key : {CounterKey::kUser, CounterKey::kPost, CounterKey::kAuthor}) {
      FEEDMILL_ASSIGN(TableWriter table, TableWriter::Open(*input_, arguments_, DumpTable(*arguments_.set->domain, key),
                                                           DumpColumns(*arguments_.set, key), {}, stem));
      tables.emplace_back(key, std::move(table));
    }
    for (int part = 0; part < report_.parts; ++part) {
      FEEDMILL_TRY(BeginPart(part));
      FEEDMILL_TRY(ApplyUntil(arguments_.end));
      for (auto& [key, table] : tables) {
        if (part > 0 && key != CounterKey::kUser) continue;  // posts and authors are whole with the first part
        FEEDMILL_TRY(WriteDump(*input_, arguments_, key, part_, state_, &table));
      }
    }
    for (auto& [key, table] : tables) {
      report_.rows_written += table.rows();
      FEEDMILL_TRY(table.Commit({}));
    }
    return Ok();
  }

  ReplayReport Finish(Micros began) {
    report_.days_read = ledger_.days_read();
    report_.wall_time = MonotonicMicros() - began;
    log::Info("replay done", {{"actions", report_.actions_applied},
                              {"rows", report_.rows_written},
                              {"parts", report_.parts},
                              {"counter_bytes", report_.counter_bytes},
                              {"days_thinned", report_.days_thinned},
                              {"ms", report_.wall_time / kMicrosPerMilli}});
    return report_;
  }

 private:
  // The checkpoint to begin with, and how many parts it takes.
  Status Find(Micros until) {
    FEEDMILL_ASSIGN(checkpoint_, FindReplayCheckpoint(*arguments_.files, arguments_.checkpoint_folder, *arguments_.set,
                                                      until, days_));
    report_.replayed_from = checkpoint_.cut;
    int64_t actions = 0;
    for (const DayDigest& day : days_) {
      if (day.day * kMicrosPerDay >= checkpoint_.cut) actions += day.actions;
    }
    report_.parts = PartsFor(arguments_, checkpoint_, actions);
    actions_expected_ = actions * report_.parts;
    return Ok();
  }

  Status BeginPart(int part) {
    part_ = {report_.parts, part};
    reader_.SetPart(part_);
    state_ = ReplayState(*arguments_.set);  // before the next one is there
    FEEDMILL_ASSIGN(state_, LoadReplayCheckpoint(*arguments_.files, checkpoint_, *arguments_.set, part_));
    return Ok();
  }

  // Applies whole days up to `until`.
  Status ApplyUntil(Micros until) {
    for (const DayDigest& day : days_) {
      const Micros begin = day.day * kMicrosPerDay;
      if (begin < state_.cut || begin >= until) continue;
      for (const TimeSlice& slice : reader_.Slices(day)) FEEDMILL_TRY(ApplySlice(day, slice, nullptr, nullptr));
    }
    state_.cut = std::max(state_.cut, until);
    NoteMemory();
    return Ok();
  }

  Status SamplePart(TableWriter* table) {
    const Micros last_day = arguments_.end - kMicrosPerDay;
    // Every impression is an action, so a day without actions has no samples.
    for (const DayDigest& day : days_) {
      const Micros begin = day.day * kMicrosPerDay;
      if (begin < report_.start) continue;
      if (part_.part == 0 && !shares_.Where(day.day).empty()) ++report_.days_thinned;
      if (begin >= last_day) FEEDMILL_TRY(KeepAt(last_day));
      for (const TimeSlice& slice : reader_.Slices(day)) {
        FEEDMILL_ASSIGN(ImpressionSlice impressions, reader_.ReadImpressions(day, slice, shares_));
        FEEDMILL_TRY(ApplySlice(day, slice, &impressions, table));
      }
      FEEDMILL_TRY(table->EndFiles());
    }
    return KeepAt(arguments_.end);
  }

  // Says that all before `cut` is applied, and keeps that.
  Status KeepAt(Micros cut) {
    state_.cut = cut;
    NoteMemory();
    return WriteReplayCheckpoint(*arguments_.files, arguments_.checkpoint_folder, *arguments_.set, part_, state_,
                                 days_);
  }

  void NoteMemory() { report_.counter_bytes = std::max(report_.counter_bytes, state_.counters.MemoryBytes()); }

  // Samples of an instant are computed before any action of that instant is applied.
  Status ApplySlice(const DayDigest& day, TimeSlice slice, const ImpressionSlice* impressions, TableWriter* table) {
    size_t sampled = 0;
    const auto sample_until = [&](Micros time) -> Status {
      while (impressions != nullptr && sampled < impressions->rows.size() && impressions->rows[sampled].as_of <= time) {
        FEEDMILL_TRY(SampleOne(*impressions, &sampled, table));
      }
      return Ok();
    };
    FEEDMILL_TRY(reader_.StreamActions(day, slice, &state_.topics, [&](CountedAction action) -> Status {
      FEEDMILL_TRY(sample_until(action.time));
      // What others did counts for posts and authors.
      if (!part_.Has(action.user)) action.user = kNoEntity;
      state_.counters.Apply(action);
      if (part_.part == 0) ++report_.actions_applied;
      if (++actions_seen_ % kProgressActions == 0) Progress();
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
      CandidateInput candidate{.post = shown.post, .author = shown.author, .topic = TopicOf(slice, shown)};
      posts_.Describe(shown.post, first.as_of, &candidate);
      PutCategory(slice, shown, &candidate);
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

  void PutCategory(const ImpressionSlice& slice, const Impression& shown, CandidateInput* candidate) const {
    const auto& properties = arguments_.set->categories;
    const auto own = std::ranges::find(properties, -1, &CategoryProperty::field);
    if (own == properties.end() || shown.topic().size == SliceText::kNull) return;
    candidate->buckets[static_cast<size_t>(own - properties.begin())] = BucketOf(slice.Text(shown.topic()));
  }

  // A topic that no action before this instant named has no counters.
  EntityHandle TopicOf(const ImpressionSlice& slice, const Impression& shown) const {
    const SliceText& topic = shown.topic();
    return topic.size == SliceText::kNull || topic.size == 0 ? kNoEntity : state_.topics.Find(slice.Text(topic));
  }

  void Progress() const {
    if (arguments_.on_progress && actions_expected_ > 0) {
      arguments_.on_progress(
          std::min(1.0, static_cast<double>(actions_seen_) / static_cast<double>(actions_expected_)));
    }
  }

  static constexpr int64_t kProgressActions = 50'000;

  const ReplayArguments& arguments_;
  std::unique_ptr<query::Session> input_;
  DayReader reader_;
  DayLedger ledger_;
  SampleShares shares_;
  std::vector<DayDigest> days_;
  ReplayCheckpoint checkpoint_;
  UserPart part_;
  ReplayState state_;
  PostHistory posts_;
  FollowHistory follows_;
  ReplayReport report_;
  int64_t actions_expected_ = 0;
  int64_t actions_seen_ = 0;  // by all parts
  std::vector<CandidateInput> candidates_;
  std::vector<float> features_;
};

Status CheckArguments(Micros start, const ReplayArguments& arguments) {
  if (arguments.parts < 1 || arguments.parts > kReplayPartsMax) {
    return InvalidArgument("replay in {} parts; allowed: 1 to {}", arguments.parts, kReplayPartsMax);
  }
  if (start % kMicrosPerDay == 0 && arguments.end % kMicrosPerDay == 0 && start < arguments.end) return Ok();
  return InvalidArgument("replay of [{}, {}): both must be midnights UTC, the first earlier", FormatTime(start),
                         FormatTime(arguments.end));
}

}  // namespace

Result<ReplayReport> RunSampleReplay(const ReplayArguments& arguments) {
  const Micros began = MonotonicMicros();
  FEEDMILL_TRY(CheckArguments(arguments.start.value_or(arguments.end - kMicrosPerDay), arguments));
  FEEDMILL_ASSIGN(const auto replay, Replay::Open(arguments));
  FEEDMILL_TRY(replay->MakeSamples());
  return replay->Finish(began);
}

Result<ReplayReport> RunFeatureDump(const ReplayArguments& arguments) {
  const Micros began = MonotonicMicros();
  FEEDMILL_TRY(CheckArguments(arguments.end - kMicrosPerDay, arguments));
  FEEDMILL_ASSIGN(const auto replay, Replay::Open(arguments));
  FEEDMILL_TRY(replay->MakeDumps());
  return replay->Finish(began);
}

}  // namespace feedmill::features
