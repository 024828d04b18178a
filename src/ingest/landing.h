// The log -> the raw tables of the lake, exactly once: a batch of records and the log offsets it ends at are one
// commit.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/metrics.h"
#include "base/result.h"
#include "ingest/log.h"
#include "ingest/place_finder.h"
#include "ingest/row_writer.h"
#include "ingest/tracking_plan.h"
#include "lake/catalog.h"

namespace feedmill::ingest {

struct LandingOptions {
  Micros interval = 60 * kMicrosPerSecond;  // machine time between commits while there is something new
  uint64_t batch_bytes_max = 64ull << 20;   // of log records in one commit; more records are committed without waiting
  uint64_t batch_records_max = 500'000;
  Micros log_retention = 7 * kMicrosPerDay;  // landed records are kept in the log for this long
  std::string stream = "events";             // name of the offsets in the catalog
};

// What landing stands on; all of it outlives it.
struct LandingParts {
  EventLog& log;
  lake::Catalog& catalog;
  const TrackingPlan& plan;
  const Clock& clock;
  MetricsRegistry& metrics;
  OpenRowWriter open_writer;  // called on the landing thread, and on Start's
  const PlaceFinder* places = nullptr;
  std::function<uint64_t(uint32_t partition)> keep_from =
      nullptr;  // oldest record another reader of the log still needs; empty = no other reader
};

class Landing {
 public:
  // Creates the three raw tables or adds the columns the plan has gained (event_tables.h), takes over as their only
  // writer, and starts a thread. What may pass by itself (a full disk, a store that is busy) is tried again there.
  static Result<std::unique_ptr<Landing>> Start(LandingParts parts, const LandingOptions& options);
  // Stops without a last commit: what is not landed is in the log.
  virtual ~Landing() = default;

  // Commits now; returns when every record that was durable at the call is in the lake. kDeadlineExceeded, kAborted
  // (stopped, or another process took over as writer), or what the lake or the log said. Any thread.
  virtual Status LandNow(Deadline deadline) = 0;
  // One past the last record of the partition that is in the lake. Any thread.
  virtual uint64_t LandedOffset(uint32_t partition) const = 0;
  // Why nothing lands, when the last batch failed for a reason that does not pass by itself (damage; not a full disk).
  // Any thread.
  virtual Status status() const = 0;
};

}  // namespace feedmill::ingest
