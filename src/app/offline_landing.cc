#include "app/offline_landing.h"

#include "app/parquet_rows.h"
#include "ingest/event_tables.h"

namespace feedmill::app {
namespace {

constexpr Micros kLandTime = 12 * kMicrosPerHour;  // the whole of a large log

}  // namespace

Result<std::unique_ptr<OfflineLanding>> OfflineLanding::Open(const Config& config, const DataFolder& folder,
                                                             const Clock& clock) {
  io::FileSystem& files = io::PosixFileSystem();
  std::unique_ptr<OfflineLanding> landing(new OfflineLanding(config, folder, clock));
  FEEDMILL_ASSIGN(landing->plan_, ingest::TrackingPlan::Load(files, config.paths.Events()));
  FEEDMILL_ASSIGN(landing->log_, ingest::OpenEventLog(files, clock, config.event_log));
  FEEDMILL_ASSIGN(landing->engine_, OpenStepEngine(config));
  FEEDMILL_ASSIGN(landing->session_, landing->engine_->NewSession());
  if (!config.place_database.empty()) {
    FEEDMILL_ASSIGN(landing->places_, ingest::PlaceFinder::Open(config.place_database));
  }
  return landing;
}

OfflineLanding::~OfflineLanding() {
  landing_.reset();
  if (log_) log_->Close();
}

Status OfflineLanding::HoldsEverything() const {
  for (uint32_t partition = 0; partition < log_->partitions(); ++partition) {
    const uint64_t begin = log_->BeginOffset(partition);
    if (begin > 0) {
      return InvalidArgument(
          "--raw: partition {} of the log begins at record {}, allowed is 0: older records are only in the raw tables, "
          "so these stay; leave "
          "--raw away",
          partition, begin);
    }
    for (const std::string_view table : {ingest::kEventTable, ingest::kRejectedTable, ingest::kFeedRequestTable}) {
      const auto landed = folder_.catalog->LandedOffsets(std::string(table), config_.landing.stream);
      if (!landed && landed.error().kind() == ErrorKind::kNotFound) continue;
      if (!landed) return std::unexpected(landed.error());
      const auto found = landed->find(partition);
      if (found == landed->end() || found->second <= log_->EndOffset(partition)) continue;
      return InvalidArgument(
          "--raw: partition {} of the log ends at record {}, but {} holds records up to {}; leave --raw away",
          partition, log_->EndOffset(partition), table, found->second);
    }
  }
  return Ok();
}

Status OfflineLanding::LandAll() {
  const ingest::LandingParts parts{.log = *log_,
                                   .catalog = *folder_.catalog,
                                   .plan = *plan_,
                                   .clock = clock_,
                                   .metrics = metrics_,
                                   .open_writer = OpenParquetRows(*session_, *folder_.catalog),
                                   .places = places_.get(),
                                   .keep_from = [](uint32_t) { return uint64_t{0}; }};
  FEEDMILL_ASSIGN(landing_, ingest::Landing::Start(parts, config_.landing));
  return landing_->LandNow(Deadline::After(kLandTime));
}

}  // namespace feedmill::app
