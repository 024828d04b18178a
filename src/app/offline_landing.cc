#include "app/offline_landing.h"

#include "app/parquet_rows.h"
#include "ingest/land_again.h"

namespace feedmill::app {
namespace {

constexpr Micros kLandTime = 12 * kMicrosPerHour;  // the whole of a large log

}  // namespace

Result<std::unique_ptr<OfflineLanding>> OfflineLanding::Open(const Config& config, const DataFolder& folder,
                                                             const Clock& clock) {
  io::FileSystem& files = io::PosixFileSystem();
  std::unique_ptr<OfflineLanding> landing(new OfflineLanding(config, folder, clock));
  FEEDMILL_ASSIGN(landing->plan_, ingest::TrackingPlan::Load(files, config.paths.Events()));
  FEEDMILL_ASSIGN(landing->log_, OpenLogBesideLake(config, folder, clock, *landing->lake_));
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
  const Status held = HoldsFrom({});
  if (held) return held;
  return Fail(held.error().kind(), "--raw: {}, so these stay; leave --raw away", held.error().message());
}

Status OfflineLanding::HoldsFrom(const std::map<uint32_t, uint64_t>& offsets) const {
  for (uint32_t partition = 0; partition < log_->partitions(); ++partition) {
    const auto known = offsets.find(partition);
    const uint64_t from = known == offsets.end() ? 0 : known->second;
    const uint64_t begin = log_->BeginOffset(partition);
    if (begin > from) {
      return InvalidArgument(
          "partition {} of the log begins at record {}, allowed is {}: older records are only in the raw tables",
          partition, begin, from);
    }
    FEEDMILL_TRY(HasNoHole(partition, from));
  }
  return Ok();
}

// Reads the partition to its end: records that are gone are only in the raw tables.
Status OfflineLanding::HasNoHole(uint32_t partition, uint64_t from) const {
  constexpr size_t kReadBytes = 8 << 20;
  for (uint64_t offset = from;;) {
    FEEDMILL_ASSIGN(const auto records, log_->Read(partition, offset, kReadBytes));
    if (records.empty()) return Ok();
    for (const auto& record : records) {
      if (record.lost == 0) continue;
      return InvalidArgument("records {} to {} of partition {} are no longer in the log",
                             record.offset + 1 - record.lost, record.offset, partition);
    }
    offset = records.back().offset + 1;
  }
}

Status OfflineLanding::LandAgain(const std::string& table, const std::string& path) {
  const ingest::LandAgainParts parts{*log_, *folder_.catalog, OpenParquetRows(*session_, *folder_.catalog),
                                     places_.get(), *folder_.files};
  return ingest::LandAgain(parts, table, path);
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
