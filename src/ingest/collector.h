// The door for events: HTTP requests in Segment's shape -> the event log. A 2xx answer means that every accepted
// message is on disk.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "ingest/log.h"
#include "ingest/message_dedupe.h"
#include "ingest/tracking_plan.h"
#include "ingest/write_keys.h"
#include "io/file_system.h"
#include "io/http_server.h"

namespace feedmill::ingest {

struct CollectorOptions {
  std::vector<WriteKey> write_keys;
  // When it is there, it says who may write, and `write_keys` are two without keys: the limits of apps, then of
  // imports.
  FindWriter find_writer;
  size_t batch_events_max = 10'000;
  size_t rejected_raw_bytes_max = 8 << 10;  // how much of a refused message is kept
  int rejections_shown_max = 20;            // in an answer; all are counted and stored
  Micros event_past_max = 30 * 365 * kMicrosPerDay;
  Micros event_future_max = kMicrosPerDay;
  Micros retry_after = kMicrosPerSecond;  // Retry-After of 429 and 503
  // Bodies of more than a few events are read on threads of their own: those of keys for imports behind all others.
  int batch_threads = 1;
  int import_threads = 1;
  size_t batch_queue_bytes_max = 32 << 20;   // waiting to be read; more: 429
  size_t import_queue_bytes_max = 16 << 20;  // the same of imports
  std::string public_url;                    // how browsers reach this server; empty = as their requests name it
  std::string folder_id;                     // of the data folder, for those who sent to it before
  DedupeOptions dedupe;
  std::string dedupe_checkpoint;  // file; empty = none, the log is read from its oldest record at start
};

// Calls `visit` with the event id (data/event_id.h) and the time of receipt of every event of the range that is in the
// lake and was received at `oldest` or later. Called at start, for records that the log no longer has.
using IdsInLake = std::function<Status(uint32_t partition, OffsetRange range, Micros oldest,
                                       const std::function<void(std::string_view id, Micros received)>& visit)>;

// What the collector stands on; all of it outlives the collector.
struct CollectorParts {
  io::FileSystem& files;
  const Clock& clock;
  EventLog& log;
  const TrackingPlan& plan;
  MetricsRegistry& metrics;
  IdsInLake ids_in_lake = nullptr;
};

class Collector {
 public:
  // Reads from the log which messages it has already. kInvalidArgument for a bad option, kCorrupt when the checkpoint
  // knows of records behind the log's end.
  static Result<std::unique_ptr<Collector>> Open(const CollectorParts& parts, CollectorOptions options);
  // The server must have stopped and the log be closed: answers on their way use the collector.
  ~Collector();

  // Whether `path` is one of ours: /v1/batch, /v1/import, /v1/track, /v1/identify, /v1/page, /v1/screen, /v1/group,
  // /v1/alias and their one-letter forms of the first letter (/v1/b, /v1/t, ...); /v1/projects/<write key>/settings;
  // GET /v1/position.
  static bool Takes(std::string_view path);
  // Whether the request brings a write key as Basic user name. Any thread.
  bool KnowsWriter(const io::HttpRequest& request) const;

  // Any thread. The answer is sent when the log has the messages, on the log's thread:
  // 200 {"success":true,"position":"0:123","accepted":n,"duplicates":n,"rejected_count":n,"rejected":[{...}]}: position
  // is that of the
  //     last record; a batch is answered so even when messages of it were refused: they are kept in ods_event_rejected.
  //     A client that asks for it (?strict=1, or Prefer: handling=strict) gets 400 and the same list instead.
  // 400 the body is no JSON of the right shape, or a single message breaks a rule:
  // {"success":false,"rule":..,"field":..,"reason":..} 401 write key unknown, 405 not POST, 413 too large, 429 too much
  // waits to be read or to be written, 503 the log cannot write now (both: Retry-After).
  // GET /v1/position: 200 {"folder":"<id>","ends":[n,...]}: which data folder this is, and where each partition of its
  // log ends; 401 without a write key in the Authorization header.
  // Nothing of a body is unpacked for a sender who is not known yet: a gzip body, or one larger than the strictest key
  // allows, needs its key in the Authorization header.
  void Handle(io::HttpRequest&& request, io::HttpResponder&& responder);

  // Saves which messages the log has, so that the next start need not read all of it. Any one thread at a time.
  Status Checkpoint();
  // Whether the next start would have to read so much that a checkpoint is worth its bytes now. Same thread.
  bool CheckpointIsDue() const;

  struct Parts;

 private:
  explicit Collector(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace feedmill::ingest
