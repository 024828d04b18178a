#include "app/field_history.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "app/lake_events.h"
#include "base/log.h"
#include "base/thread_priority.h"
#include "query/sql_text.h"
#include "stream/decoded_tail.h"

namespace feedmill::app {
namespace {

constexpr uint64_t kBlockOffsets = 200'000;  // of the log, read at once: some 100 MB at most
constexpr uint64_t kMemory = 256ull << 20;   // of the engine
constexpr size_t kLogBytes = 1 << 20;        // likewise, of what has not landed yet

}  // namespace

std::vector<uint64_t> UnknownPast(const stream::LiveState& state, uint32_t partitions) {
  const auto guard = state.Read();
  std::vector<uint64_t> applied;
  if (state.KnowsHistory()) return applied;
  for (uint32_t partition = 0; partition < partitions; ++partition) applied.push_back(state.AppliedOffset(partition));
  return applied;
}

class FieldHistory::Impl {
 public:
  explicit Impl(FieldHistoryWiring wiring) : wiring_(std::move(wiring)), thread_([this] { Run(); }) {}
  ~Impl() {
    stopping_ = true;
    thread_.join();
  }
  bool IsAtWork() const { return at_work_; }

 private:
  void Run() {
    LowerThreadPriority(kBackgroundNiceness);
    log::Info(
        "the domain has numbers, fields or relations that the live state does not know the past of; reading it from "
        "the lake",
        {{"records", Records()}});
    const Micros begin = MonotonicMicros();
    Status learned = Teach();
    while (!learned && learned.error().kind() == ErrorKind::kConflict) learned = Teach();
    at_work_ = false;
    if (learned) {
      log::Info("the past of all numbers, fields and relations is known",
                {{"events", events_}, {"seconds", (MonotonicMicros() - begin) / kMicrosPerSecond}});
    } else if (!Stopping()) {
      log::Error("the past of new numbers, fields and relations is not known; it is tried again at the next start",
                 {{"why", learned.error().ToString()}});
    }
  }

  uint64_t Records() const {
    uint64_t records = 0;
    for (const uint64_t end : wiring_.ends) records += end;
    return records;
  }

  Status Teach() {
    query::EngineOptions options;
    options.temporary_directory = wiring_.config.paths.Temporary();
    options.memory_bytes_max = kMemory;
    options.threads = 1;
    FEEDMILL_ASSIGN(const auto engine, query::OpenEngine(options));
    FEEDMILL_ASSIGN(const auto session, engine->NewSession());
    std::string only = "type = 'identify'";
    if (const std::string& made_by = wiring_.domain->Shown().made_by; !made_by.empty())
      only += " OR event = " + query::QuoteText(made_by);
    const domain::ItemKind& shown = wiring_.domain->Shown();
    only +=
        fmt::format(" OR event IN ({}, {})", query::QuoteText(shown.withdrawn_by), query::QuoteText(shown.restored_by));
    for (const domain::Relation& relation : wiring_.domain->relations)
      only += fmt::format(" OR event IN ({}, {})", query::QuoteText(relation.add), query::QuoteText(relation.remove));
    for (uint32_t partition = 0; partition < wiring_.ends.size(); ++partition)
      FEEDMILL_TRY(TeachPartition(*session, partition, only));
    return wiring_.tailer.EndLearning();
  }

  Status TeachPartition(query::Session& session, uint32_t partition, const std::string& only) {
    const uint64_t end = wiring_.ends[partition], landed = std::min(end, wiring_.landed_offset(partition));
    for (uint64_t from = 0; from < landed; from += kBlockOffsets) {
      const uint64_t to = std::min(landed, from + kBlockOffsets);
      FEEDMILL_ASSIGN(const auto records, ReadLakeEvents(session, *wiring_.folder.catalog, partition, from, to, only));
      FEEDMILL_TRY(Give(records));
    }
    stream::DecodedTail tail;
    for (uint64_t from = landed; from < end;) {
      FEEDMILL_TRY(stream::ReadTail(wiring_.read_log, partition, from, kLogBytes, &tail));
      if (tail.next == from) break;
      from = tail.next;
      FEEDMILL_TRY(Give(tail.records()));
    }
    return Ok();
  }

  Status Give(std::span<const stream::LiveState::Positioned> records) {
    if (Stopping() || !wiring_.tailer.Learn(records)) return Aborted("the live state stopped");
    events_ += records.size();
    return Ok();
  }

  bool Stopping() const { return stopping_; }

  const FieldHistoryWiring wiring_;
  uint64_t events_ = 0;
  std::atomic<bool> at_work_{true};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

FieldHistory::FieldHistory(FieldHistoryWiring wiring) : impl_(std::make_unique<Impl>(std::move(wiring))) {}
FieldHistory::~FieldHistory() = default;
std::vector<std::string> FieldHistory::Notes() const {
  if (!impl_->IsAtWork()) return {};
  return {"the past of new numbers, fields and relations is being read from the lake"};
}

}  // namespace feedmill::app
