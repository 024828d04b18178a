// What the warehouse holds of each day, kept from night to night by the names of the day's files: a night reads the
// days whose files changed and no other.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "domain/domain.h"
#include "features/replay.h"
#include "features/replay_checkpoint_internal.h"
#include "io/file_system.h"
#include "lake/catalog.h"
#include "query/engine.h"

namespace feedmill::features {

// Sums over the rows of one day of one table.
inline constexpr size_t kDayValuesMax = 2 + domain::kLabelsMax;
struct DayFacts {
  int64_t day = 0;       // since epoch
  uint64_t made_of = 0;  // hash of the names of the day's files and of what was asked of them
  std::array<int64_t, kDayValuesMax> values{};
};

// Midnights of the first day that has impressions before `end`, and of the first one whose samples are not those of its
// impressions; both the day before `end` when there is none.
struct SampleDays {
  Micros first_shown = 0;
  Micros first_stale = 0;
};

// Which requests of a day become samples: all, or one of 2, 4, 8, ... by the number of the day's impressions. The fewer
// are among the more, so that a day whose impressions grow keeps the samples that it has.
class SampleShares {
 public:
  // Of no more impressions than `day_samples_max` a day, 0 = of all.
  static Result<SampleShares> Load(lake::Catalog& catalog, Micros end, int64_t day_samples_max);
  // What holds for the sampled rows of dwd_impression and of ads_sample_ctr: "" for all, else " AND ...".
  std::string Where(int64_t day) const;

 private:
  std::map<int64_t, int64_t> one_of_;  // by day; the others are whole
};

class DayLedger {
 public:
  // A file that is missing or broken is an empty ledger.
  static DayLedger Load(io::FileSystem& files, const std::string& folder);
  Status Save(io::FileSystem& files, const std::string& folder) const;

  // The days that have counted actions before `end`, oldest first.
  Result<std::vector<DayDigest>> ReadActions(query::Session& session, lake::Catalog& catalog,
                                             const domain::Domain& domain, Micros end);
  Result<SampleDays> FindStaleSamples(query::Session& session, lake::Catalog& catalog, const domain::Domain& domain,
                                      const SampleShares& shares, Micros end);
  // Days whose rows were read, over all calls: the others were known.
  int64_t days_read() const { return days_read_; }

 private:
  using Days = std::map<int64_t, DayFacts>;
  // What is asked of every day: aggregates, all BIGINT, over the rows that `where` of the day holds for ("" = all).
  struct Question {
    std::string table;
    std::vector<std::string> values;
    std::function<std::string(int64_t day)> where;
  };
  Result<Days> Read(query::Session& session, lake::Catalog& catalog, const Question& question, Micros end);
  static Status Ask(query::Session& session, const Question& question, const lake::ScanPlan& plan,
                    const std::string& where, Micros end, Days* days);

  std::map<std::string, Days> known_;  // by table
  int64_t days_read_ = 0;
};

}  // namespace feedmill::features
