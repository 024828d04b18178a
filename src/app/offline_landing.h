// The log and its landing without a server: what a rebuild needs of them.
#pragma once

#include <memory>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/lake_records.h"
#include "base/metrics.h"
#include "ingest/landing.h"
#include "ingest/log.h"

namespace feedmill::app {

class OfflineLanding {
 public:
  // Opens the log (a torn tail is cut, as at a server's start). Nothing lands yet. `folder` and `clock` outlive it.
  static Result<std::unique_ptr<OfflineLanding>> Open(const Config& config, const DataFolder& folder,
                                                      const Clock& clock);
  ~OfflineLanding();

  const ingest::EventLog& log() const { return *log_; }
  LakeRecords& lake() const { return *lake_; }
  // Whether the raw tables can be made again from the log alone: it begins at 0 and has no holes (that it ends where
  // landing stands or later is so since Open). The error says what is missing.
  Status HoldsEverything() const;
  // The same of what comes after these offsets (0 for a partition without one).
  Status HoldsFrom(const std::map<uint32_t, uint64_t>& offsets) const;
  // A damaged file of a raw table is replaced by what the log has of it (ingest/land_again.h).
  Status LandAgain(const std::string& table, const std::string& path);
  // Everything that the log has goes into the raw tables, which are made when they are not there. The log is left as it
  // is.
  Status LandAll();
  // One past the last record of the partition that is in the lake; after LandAll.
  uint64_t LandedOffset(uint32_t partition) const { return landing_->LandedOffset(partition); }

 private:
  OfflineLanding(const Config& config, const DataFolder& folder, const Clock& clock)
      : config_(config), folder_(folder), clock_(clock), lake_(std::make_unique<LakeRecords>(config, folder)) {}
  Status HasNoHole(uint32_t partition, uint64_t from) const;

  const Config& config_;
  const DataFolder& folder_;
  const Clock& clock_;
  std::unique_ptr<LakeRecords> lake_;
  MetricsRegistry metrics_;
  std::shared_ptr<const ingest::TrackingPlan> plan_;
  std::unique_ptr<ingest::EventLog> log_;
  std::unique_ptr<ingest::PlaceFinder> places_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
  std::unique_ptr<ingest::Landing> landing_;
};

}  // namespace feedmill::app
