#include "features/replay.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_text.h"
#include "features/counter_table.h"
#include "features/legacy_actions_for_test.h"
#include "features/replay_world_for_test.h"

namespace feedmill::features {
namespace {

using testing::HasSubstr;

constexpr Micros kStart = ReplayWorld::kStart;
constexpr Micros kDay = kMicrosPerDay;

FeatureSet TemplateFeatures() {
  return LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template").value();
}

// A sample's feature by a loop over all events of the world.
class SlowReplay {
 public:
  SlowReplay(const FeatureSet& set, ReplayWorld& world) : set_(set), world_(world) {
    for (const WorldEvent& event : world.events) events_.push_back(Look(event));
  }

  float Feature(const FeatureDefinition& feature, const WorldEvent& shown, Micros as_of) {
    if (looked_at_ != &shown) shown_ = Look(shown);
    looked_at_ = &shown;
    return static_cast<float>(Value(feature, as_of));
  }

 private:
  // An event with its names looked up.
  struct Looked {
    Micros time = 0;
    std::optional<Action> action;
    float weight = 0;
    int64_t user = -1;
    int64_t post = -1;
    int64_t author = -1;
    std::string topic;
    std::string lang;
    Micros created = 0;
    int64_t text_length = 0;
    bool follow = false;
    bool unfollow = false;
  };

  Looked Look(const WorldEvent& event) {
    Looked looked;
    looked.time = event.time;
    looked.action = legacy::ActionOf(event.name);
    looked.user = world_.user_key(event.user);
    if (looked.action) looked.weight = legacy::WeightOf(*looked.action, event.dwell_ms);
    const std::string author = world_.AuthorOf(event);
    if (!author.empty()) looked.author = world_.user_key(author);
    looked.follow = event.name == "follow";
    looked.unfollow = event.name == "unfollow";
    if (event.post.empty()) return looked;
    const WorldPost& post = world_.PostOf(event.post);
    looked.post = world_.post_key(event.post);
    looked.topic = post.topic;
    looked.lang = post.lang;
    looked.created = post.created;
    looked.text_length = post.text_length;
    return looked;
  }

  double Value(const FeatureDefinition& feature, Micros as_of) const {
    switch (feature.kind) {
      case FeatureKind::kLogCount:
        return std::log(1 + Counter(set_.counters[feature.numerator], as_of));
      case FeatureKind::kRate:
        return (Counter(set_.counters[feature.numerator], as_of) + feature.prior_rate * feature.prior_weight) /
               (Counter(set_.counters[feature.denominator], as_of) + feature.prior_weight);
      case FeatureKind::kAgeHours:
        return std::log(1 + static_cast<double>(as_of - shown_.created) / static_cast<double>(kMicrosPerHour));
      case FeatureKind::kLogNumber:
        return std::log(1.0 + static_cast<double>(shown_.text_length));
      case FeatureKind::kFollowsAuthor:
        return Follows(as_of) ? 1 : 0;
      case FeatureKind::kHourOfDay:
        return static_cast<double>(as_of / kMicrosPerHour % 24);
      case FeatureKind::kLastSeconds:
        return Last(feature.key, as_of);
      case FeatureKind::kPosition:
        return 0;
      case FeatureKind::kCategory:
        return BucketOf(set_.categories[feature.category].field < 0 ? shown_.topic : shown_.lang);
    }
    return NAN;
  }
  bool Matches(CounterKey key, const Looked& event) const {
    switch (key) {
      case CounterKey::kUser:
        return event.user == shown_.user;
      case CounterKey::kPost:
        return event.post == shown_.post;
      case CounterKey::kAuthor:
        return event.author == shown_.author;
      case CounterKey::kUserAuthor:
        return event.user == shown_.user && event.author == shown_.author;
      case CounterKey::kUserTopic:
        return event.user == shown_.user && event.topic == shown_.topic;
    }
    return false;
  }
  double Counter(const CounterDefinition& counter, Micros as_of) const {
    double sum = 0;
    for (const Looked& event : events_) {
      if (event.time >= as_of || event.action != counter.action || !Matches(counter.key, event)) continue;
      sum +=
          event.weight * std::exp2(-static_cast<double>(as_of - event.time) / static_cast<double>(counter.half_life));
    }
    return sum;
  }
  double Last(CounterKey key, Micros as_of) const {
    Micros last = 0;
    for (const Looked& event : events_) {
      if (event.time < as_of && event.action && Matches(key, event)) last = std::max(last, event.time);
    }
    return last == 0 ? NAN : std::log(1 + static_cast<double>(as_of - last) / static_cast<double>(kMicrosPerSecond));
  }
  bool Follows(Micros as_of) const {
    bool follows = false;
    for (const Looked& event : events_) {
      if (event.time >= as_of || event.user != shown_.user || event.author != shown_.author) continue;
      if (event.follow) follows = true;
      if (event.unfollow) follows = false;
    }
    return follows;
  }

  const FeatureSet& set_;
  ReplayWorld& world_;
  std::vector<Looked> events_;
  const WorldEvent* looked_at_ = nullptr;
  Looked shown_;
};

std::string SampleSql(const FeatureSet& set) {
  std::string sql = "SELECT event_id, as_of, event_time, click, comment, \"like\"";
  for (const FeatureDefinition& feature : set.features) sql += fmt::format(", CAST(f_{} AS DOUBLE)", feature.name);
  return sql + " FROM ads_sample_ctr ORDER BY event_id";
}

class ReplayTest : public testing::Test {
 protected:
  query::Rows Samples() { return tables_.Query(std::string(kSampleTable), SampleSql(set_)); }
  ReplayReport Run(int first_day, int end_day) {
    auto report = RunSampleReplay(tables_.Arguments(set_, kStart + first_day * kDay, kStart + end_day * kDay));
    EXPECT_TRUE(report.has_value()) << report.error().ToString();
    return report.value_or(ReplayReport{});
  }
  int64_t Actions(Micros from, Micros until) const {
    return std::ranges::count_if(world_.events, [&](const WorldEvent& e) {
      return legacy::ActionOf(e.name) && e.time >= from && e.time < until;
    });
  }

  FeatureSet set_ = TemplateFeatures();
  ReplayWorld world_{31};
  ReplayTables tables_{world_,
                       std::string("replay_test_") + testing::UnitTest::GetInstance()->current_test_info()->name()};
};

TEST_F(ReplayTest, SamplesAreThoseOfALoopOverAllEvents) {
  tables_.Write([](const WorldEvent&) { return true; });
  const ReplayReport report = Run(0, ReplayWorld::kDays + 1);
  const query::Rows samples = Samples();
  SlowReplay slow(set_, world_);
  size_t compared = 0;
  size_t differ = 0;
  size_t row = 0;
  std::vector<WorldEvent> shown;
  std::ranges::copy_if(world_.events, std::back_inserter(shown),
                       [](const WorldEvent& e) { return e.name == "feed_impression"; });
  std::ranges::sort(shown, {}, &WorldEvent::id);
  ASSERT_EQ(samples.rows.size(), shown.size());
  EXPECT_EQ(report.rows_written, static_cast<int64_t>(shown.size()));
  EXPECT_EQ(report.actions_applied, Actions(0, kStart + 10 * kDay));
  for (const WorldEvent& event : shown) {
    const auto& cells = samples.rows[row++];
    ASSERT_EQ(std::get<std::string>(cells[0]), event.id);
    const Micros as_of = world_.AsOf(event);
    ASSERT_EQ(std::get<int64_t>(cells[1]), as_of);
    ASSERT_EQ(std::get<int64_t>(cells[2]), event.time);
    EXPECT_EQ(std::get<int64_t>(cells[3]), event.position % 2);
    EXPECT_EQ(std::get<int64_t>(cells[4]), 1);
    for (size_t f = 0; f < set_.features.size(); ++f) {
      const float expected = slow.Feature(set_.features[f], event, as_of);
      ++compared;
      if (std::isnan(expected)) {
        ASSERT_TRUE(std::holds_alternative<std::nullptr_t>(cells[6 + f])) << set_.features[f].name;
        continue;
      }
      const auto found = static_cast<float>(std::get<double>(cells[6 + f]));
      ASSERT_FLOAT_EQ(found, expected) << set_.features[f].name << " of " << event.id;
      differ += found == expected ? 0 : 1;
    }
  }
  EXPECT_GT(compared, 50'000U);
  EXPECT_LE(differ, 2U);  // sums in another order may round to the neighbouring float, hardly ever
}

TEST_F(ReplayTest, NightByNightFromCheckpointsIsTheSameAsAllAtOnce) {
  tables_.Write([](const WorldEvent&) { return true; });
  Run(0, ReplayWorld::kDays + 1);
  const query::Rows at_once = Samples();
  std::filesystem::remove_all(tables_.folder() + "/counters");
  for (int day = 0; day <= ReplayWorld::kDays; ++day) {
    const ReplayReport report = Run(day, day + 1);
    EXPECT_EQ(report.replayed_from, day == 0 ? 0 : kStart + day * kDay);
    EXPECT_EQ(report.actions_applied, Actions(kStart + day * kDay, kStart + (day + 1) * kDay));
  }
  EXPECT_EQ(Samples().rows, at_once.rows);
  Run(2, 3);  // again, in the middle
  EXPECT_EQ(Samples().rows, at_once.rows);
}

// What a night does: no start is given.
TEST_F(ReplayTest, ANightMakesTheDaysThatAreNotUpToDate) {
  const auto night = [&](int end_day) {
    ReplayArguments arguments = tables_.Arguments(set_, 0, kStart + end_day * kDay);
    arguments.start.reset();
    auto report = RunSampleReplay(arguments);
    EXPECT_TRUE(report.has_value()) << report.error().ToString();
    return report.value_or(ReplayReport{});
  };
  const auto is_before = [](Micros end) { return [end](const WorldEvent& event) { return event.time < end; }; };
  tables_.Write(is_before(kStart + 2 * kDay));
  EXPECT_EQ(night(2).start, kStart);
  EXPECT_EQ(night(2).start, kStart + kDay) << "nothing is stale: the last day is made again";
  tables_.Write(is_before(kStart + 3 * kDay));
  EXPECT_EQ(night(3).start, kStart + 2 * kDay);
  const auto is_late = [](const WorldEvent& event) {
    return event.name == "feed_impression" && event.time < kStart + kDay && event.id.back() == '7';
  };
  tables_.Write([&](const WorldEvent& event) { return event.time < kStart + 3 * kDay && !is_late(event); });
  EXPECT_EQ(night(3).start, kStart) << "the first day has other rows";
  tables_.Write([](const WorldEvent&) { return true; });
  EXPECT_EQ(night(ReplayWorld::kDays + 1).start, kStart) << "late impressions came in";
  const query::Rows by_nights = Samples();
  Run(0, ReplayWorld::kDays + 1);
  EXPECT_EQ(Samples().rows, by_nights.rows);
  const std::string former = set_.hash;
  for (const std::string& hash : {std::string("other"), former}) {
    set_.hash = hash;
    EXPECT_EQ(night(ReplayWorld::kDays + 1).start, kStart) << "the features are others";
  }
  // A run that was stopped before its samples were committed leaves nothing that counts.
  const std::string kept = tables_.folder() + "/counters/counters-" + FormatDay(DayOf(kStart + 4 * kDay));
  ASSERT_TRUE(std::filesystem::exists(kept));
  std::filesystem::rename(kept, kept + ".new");
  EXPECT_EQ(night(ReplayWorld::kDays + 1).start, kStart);
}

TEST_F(ReplayTest, ARunOverTheSameDaysLeavesTheFormerFilesAlone) {
  tables_.Write([](const WorldEvent&) { return true; });
  const auto paths = [&] {
    std::set<std::string> found;
    const auto plan = tables_.Arguments(set_, 0, 0).catalog->PlanScan(std::string(kSampleTable), {});
    for (const lake::DataFile& file : plan.value().files) found.insert(file.path);
    return found;
  };
  Run(0, 2);
  const std::set<std::string> former = paths();
  Run(0, 2);
  for (const std::string& path : paths()) EXPECT_FALSE(former.contains(path)) << path;
  for (const std::string& path : former) EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

TEST_F(ReplayTest, LateActionsMakeACheckpointVoid) {
  const auto is_late = [](const WorldEvent& event) { return event.time < kStart + kDay && event.id.back() == '7'; };
  tables_.Write([&](const WorldEvent& event) { return !is_late(event); });
  Run(0, 2);
  tables_.Write([](const WorldEvent&) { return true; });
  const ReplayReport report = Run(2, 3);
  EXPECT_EQ(report.replayed_from, 0);
  EXPECT_EQ(report.actions_applied, Actions(0, kStart + 3 * kDay));
}

TEST_F(ReplayTest, ABrokenCheckpointIsPassedOver) {
  tables_.Write([](const WorldEvent&) { return true; });
  Run(0, 2);
  io::FileSystem& files = io::PosixFileSystem();
  const std::string folder = tables_.folder() + "/counters";
  int checkpoints = 0;
  const auto names = files.List(folder).value();
  for (const std::string& name : names) {
    if (!name.starts_with("counters-")) continue;
    // One of its files is enough.
    const std::string path = folder + "/" + name + (++checkpoints == 1 ? "/items.ckpt" : "/users-03.ckpt");
    std::string bytes = io::ReadWholeFile(files, path).value();
    bytes[bytes.size() / 3] ^= 4;
    ASSERT_TRUE(io::WriteFileAtomically(files, path, bytes).has_value());
  }
  ASSERT_EQ(checkpoints, 2);  // at the end and a day before
  EXPECT_EQ(Run(2, 3).replayed_from, 0);
}

TEST_F(ReplayTest, DumpsHoldEveryCounterAtTheCut) {
  tables_.Write([](const WorldEvent&) { return true; });
  Run(0, 3);
  const ReplayArguments arguments = tables_.Arguments(set_, 0, kStart + 3 * kDay);
  const auto report = RunFeatureDump(arguments);
  ASSERT_TRUE(report.has_value()) << report.error().ToString();
  EXPECT_EQ(report->replayed_from, kStart + 3 * kDay);
  EXPECT_EQ(report->actions_applied, 0);
  EXPECT_EQ(report->days_read, 0) << "the samples have just read the same days";
  for (const char* noun : {"user", "post", "author"}) {
    const std::string table = fmt::format("ads_{}_features", noun);
    const auto count =
        tables_.Query("ads." + table, "SELECT count(*), count(DISTINCT " + std::string(noun) + "_key) FROM " + table)
            .rows;
    EXPECT_GT(std::get<int64_t>(count[0][0]), 10);
    EXPECT_EQ(count[0][0], count[0][1]);
  }
  const auto rows =
      tables_.Query("ads.ads_post_features", "SELECT post_id, c_post_click_7d FROM ads_post_features").rows;
  for (const auto& row : rows) {
    double expected = 0;
    for (const WorldEvent& event : world_.events) {
      if (event.name != "post_click" || event.post != std::get<std::string>(row[0]) || event.time >= arguments.end)
        continue;
      expected += std::exp2(-static_cast<double>(arguments.end - event.time) / static_cast<double>(7 * kDay));
    }
    EXPECT_NEAR(std::get<double>(row[1]), expected, expected * 1e-12);
  }
}

// Memory is a setting: in however many parts the users are taken and the day is cut, whatever parts wrote the
// checkpoint that a night begins with, samples and dumps are the same to the bit.
TEST_F(ReplayTest, RowsDoNotDependOnPartsOfUsersNorOnSlicesOfTheDay) {
  tables_.Write([](const WorldEvent&) { return true; });
  const auto dumps = [&](int parts) {
    ReplayArguments arguments = tables_.Arguments(set_, 0, kStart + ReplayWorld::kDays * kDay);
    arguments.parts = parts;
    const auto report = RunFeatureDump(arguments);
    EXPECT_TRUE(report.has_value()) << report.error().ToString();
    std::vector<query::Rows> rows;
    for (const std::string noun : {"user", "post", "author"})
      rows.push_back(tables_.Query("ads.ads_" + noun + "_features",
                                   "SELECT * FROM ads_" + noun + "_features ORDER BY " + noun + "_key"));
    return rows;
  };
  Run(0, ReplayWorld::kDays);
  const query::Rows whole = Samples();
  const std::vector<query::Rows> whole_dumps = dumps(1);
  ASSERT_GT(whole.rows.size(), 1000U);
  ASSERT_GT(whole_dumps[0].rows.size(), 10U);
  std::filesystem::remove_all(tables_.folder() + "/counters");
  const std::pair<int, int64_t> nights[] = {{4, 500'000}, {16, 100}, {1, 37}, {2, 250}};
  ASSERT_EQ(std::size(nights), static_cast<size_t>(ReplayWorld::kDays));
  for (int day = 0; day < ReplayWorld::kDays; ++day) {
    ReplayArguments arguments = tables_.Arguments(set_, kStart + day * kDay, kStart + (day + 1) * kDay);
    std::tie(arguments.parts, arguments.slice_actions) = nights[day];
    const auto report = RunSampleReplay(arguments);
    ASSERT_TRUE(report.has_value()) << report.error().ToString();
    EXPECT_EQ(report->parts, nights[day].first);
    EXPECT_EQ(report->replayed_from, day == 0 ? 0 : kStart + day * kDay);
    EXPECT_EQ(report->actions_applied, Actions(kStart + day * kDay, kStart + (day + 1) * kDay));
  }
  EXPECT_EQ(Samples().rows, whole.rows);
  for (const int parts : {1, 8}) {
    const std::vector<query::Rows> by_parts = dumps(parts);
    for (size_t i = 0; i < by_parts.size(); ++i) EXPECT_EQ(by_parts[i].rows, whole_dumps[i].rows) << i;
  }
}

TEST_F(ReplayTest, LittleMemoryMakesMoreParts) {
  tables_.Write([](const WorldEvent&) { return true; });
  ReplayArguments arguments = tables_.Arguments(set_, kStart, kStart + 3 * kDay);
  const int64_t bytes = Actions(kStart, kStart + 3 * kDay) * 64;
  arguments.memory_bytes_max = (256ull << 20) + static_cast<uint64_t>(bytes);
  EXPECT_EQ(RunSampleReplay(arguments)->parts, 4);
  arguments.parts = 2;
  EXPECT_EQ(RunSampleReplay(arguments)->parts, 8) << "a second try is not the same again";
  arguments.parts = 1;
  arguments.memory_bytes_max = 1;
  EXPECT_EQ(RunSampleReplay(arguments)->parts, kReplayPartsMax) << "and no more";
  arguments.parts = kReplayPartsMax + 1;
  EXPECT_THAT(RunSampleReplay(arguments).error().message(), HasSubstr("17 parts; allowed: 1 to 16"));
}

// Whether actions, impressions and samples of a day are still those of the last night is known by the names of their
// files; only a day with other files is read.
TEST_F(ReplayTest, ANightReadsOnlyTheDaysWhoseFilesChanged) {
  tables_.Write([](const WorldEvent&) { return true; });
  const auto night = [&](int end_day) {
    ReplayArguments arguments = tables_.Arguments(set_, 0, kStart + end_day * kDay);
    arguments.start.reset();
    const auto report = RunSampleReplay(arguments);
    EXPECT_TRUE(report.has_value()) << report.error().ToString();
    return report.value_or(ReplayReport{});
  };
  EXPECT_EQ(night(3).days_read, 3 + 3) << "actions and impressions; there are no samples yet";
  EXPECT_EQ(night(3).days_read, 3) << "the samples that were made";
  EXPECT_EQ(night(3).days_read, 1) << "the last day, which was made again";
  EXPECT_EQ(night(4).days_read, 2 + 1) << "a day more, and the last one again";
  std::filesystem::remove(tables_.folder() + "/counters/days.ckpt");
  EXPECT_EQ(night(4).days_read, 4 + 4 + 4) << "nothing is known any more";
}

TEST_F(ReplayTest, ANightHoldsThePostsThatItsDaysShow) {
  const Micros last_day = kStart + 3 * kDay;
  tables_.Write([&](const WorldEvent& event) { return event.time < last_day || event.post == "p1"; });
  const auto all = RunSampleReplay(tables_.Arguments(set_, kStart, last_day));
  ASSERT_TRUE(all.has_value()) << all.error().ToString();
  EXPECT_GE(all->post_versions, 60);
  const auto night = RunSampleReplay(tables_.Arguments(set_, last_day, last_day + kDay));
  ASSERT_TRUE(night.has_value()) << night.error().ToString();
  EXPECT_GT(night->rows_written, 0);
  EXPECT_GE(night->post_versions, 1);
  EXPECT_LE(night->post_versions, 3);
}

TEST_F(ReplayTest, WrongIntervalsAndMissingTablesAreTold) {
  EXPECT_THAT(RunSampleReplay(tables_.Arguments(set_, kStart + 1, kStart + kDay)).error().message(),
              HasSubstr("both must be midnights UTC"));
  EXPECT_EQ(RunSampleReplay(tables_.Arguments(set_, kStart, kStart)).error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(RunSampleReplay(tables_.Arguments(set_, kStart, kStart + kDay)).error().kind(), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace feedmill::features
