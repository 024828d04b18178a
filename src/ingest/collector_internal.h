// What the collector's files share: its parts, and one request on its way through the log.
#pragma once

#include <atomic>
#include <optional>

#include "base/mutex.h"
#include "ingest/body_reader_internal.h"
#include "ingest/collector.h"
#include "ingest/reading_queue_internal.h"

namespace feedmill::ingest {

struct CollectorMetrics {
  explicit CollectorMetrics(MetricsRegistry& registry);

  Counter& accepted;
  Counter& duplicates;
  Counter& rejected;
  Counter& refused_bodies;  // malformed, too large
  Counter& unauthorized;
  Counter& overloaded;        // 429
  Counter& slowed;            // 429 of imports that wait to be read
  Counter& unavailable;       // 503
  Histogram& append_seconds;  // from the parsed request to its answer
};

struct Collector::Parts {
  Parts(const CollectorParts& given, CollectorOptions wanted, WriteKeys write_keys);

  // A request that may be read, on its way to a thread for that.
  struct Incoming {
    Incoming(io::HttpRequest&& asked, io::HttpResponder&& answer)
        : request(std::move(asked)), respond(std::move(answer)) {}
    io::HttpRequest request;
    io::HttpResponder respond;
    std::string_view type;                 // of the path
    const WriteKey* header_key = nullptr;  // of the Authorization header, when it had one
  };

  io::HttpResponse Position(const io::HttpRequest& request) const;
  // Nothing, or why the request is answered without looking into its body.
  std::optional<io::HttpResponse> Admit(Incoming* incoming);
  void Read(Incoming* incoming);
  static std::optional<BodyRefusal> Unpack(io::HttpRequest* request, const WriteKey* key, size_t bytes_max);
  void ReadLater(std::shared_ptr<Incoming> incoming);

  Status RebuildDedupe();
  Status ReadIds(uint32_t partition, uint64_t from);
  Status ReadIdsOfLake(uint32_t partition, OffsetRange range);

  io::FileSystem& files;
  const Clock& clock;
  EventLog& log;
  const TrackingPlan& plan;
  CollectorMetrics metrics;
  const IdsInLake ids_in_lake;
  const CollectorOptions options;
  const WriteKeys keys;
  const BodyLimits limits;
  MessageIdMaker ids;
  MessageDedupe dedupe;
  uint64_t records_at_checkpoint = 0;              // thread of Checkpoint only
  std::vector<std::atomic<uint64_t>> settled_end;  // a partition: every message of an earlier record is in `dedupe`
  ReadingQueue batches;                            // last: their threads use the rest
  ReadingQueue imports;
};

// One request from its parsed body to its answer. Kept alive by the callbacks that still wait.
class Submission : public std::enable_shared_from_this<Submission> {
 public:
  // `strict`: an answer with refused messages is no success.
  Submission(Collector::Parts& parts, io::HttpResponder&& responder, bool strict)
      : parts_(parts), responder_(std::move(responder)), strict_(strict), started_(MonotonicMicros()) {}

  void Submit(Body&& body);
  // Keeps the refused body when its sender is known, then answers with `refusal`.
  void SubmitRefused(const BodyRefusal& refusal, std::string payload);

 private:
  // What of the request goes into one partition.
  struct Piece {
    std::vector<std::string> payloads;
    std::shared_ptr<DedupeClaim> claim = std::make_shared<DedupeClaim>();
  };

  void Sort(Body&& body, std::vector<Piece>* pieces, std::vector<std::shared_ptr<DedupeClaim>>* holders);
  void Append(uint32_t partition, Piece&& piece);
  void Finish(const std::optional<Error>& error);
  void Answer();
  std::string AnswerBody() const FEEDMILL_REQUIRES(mutex_);
  std::string Positions() const FEEDMILL_REQUIRES(mutex_);

  Collector::Parts& parts_;
  io::HttpResponder responder_;
  const bool strict_;
  const Micros started_;
  int status_ = 200;
  bool single_ = false;
  uint64_t accepted_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t rejected_ = 0;
  std::string rejections_;            // JSON, the first rejections_shown_max
  std::optional<Rejection> refusal_;  // why the whole request is answered with status_

  std::atomic<int> waiting_ = 1;
  Mutex mutex_;
  std::optional<Error> failure_ FEEDMILL_GUARDED_BY(mutex_);
  std::vector<LogPosition> positions_ FEEDMILL_GUARDED_BY(mutex_);  // of the last record in each partition
};

// {"success":false,"rule":...,"field":...,"reason":...}
io::HttpResponse RefusalResponse(int status, const Rejection& rejection);
// The answer to a request that the log did not take.
io::HttpResponse FailureResponse(const Error& error, Micros retry_after);

}  // namespace feedmill::ingest
