// What a commit compares and swaps: the pointer to a table's metadata file, and with it the offsets of the landing that
// the commit is for. The catalog over SQLite is one implementation, the twin of the crash tests another. Any thread,
// several processes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "lake/table.h"
#include "meta/store.h"

namespace feedmill::lake {

using Offsets = std::map<uint32_t, uint64_t>;  // next offset by log partition

// Locations are paths below the warehouse, never absolute: the store may be moved and copied with what it points to.
struct PointerChange {
  std::string table;
  std::string expected_location;
  std::string location;
  int64_t snapshot_id = 0;
  std::optional<LandingMark> landing;
  std::string run_id;  // its pin of the table (run_tables.h) moves to the snapshot; "" = none
};

enum class SwapOutcome { kSwapped, kPointerMoved };

struct PreparedBatch {
  int64_t snapshot_id = 0;
  bool committed = false;
};

class PointerStore {
 public:
  virtual ~PointerStore() = default;
  virtual Result<std::vector<std::string>> List() = 0;
  // kNotFound when there is no such table.
  virtual Result<std::string> Location(const std::string& table) = 0;
  // kAlreadyExists.
  virtual Status Insert(const std::string& table, const std::string& location) = 0;
  // Forgets the table, its offsets and its batches.
  virtual Status Delete(const std::string& table) = 0;
  // Atomic and durable: checks the pointer, then the fence of the landing, and writes pointer, offsets and the batch's
  // state, or nothing. kConflict when the fence does not hold. After any other error the outcome is unknown until
  // Location tells it: what that returns is durable.
  virtual Result<SwapOutcome> Swap(const PointerChange& change) = 0;
  virtual Result<Offsets> LandedOffsets(const std::string& table, const std::string& stream) = 0;
  virtual Result<int64_t> RaiseWriterEpoch(const std::string& stream) = 0;
  virtual Result<int64_t> WriterEpoch(const std::string& stream) = 0;  // as it is; 0 before the first
  // Remembers, before anything is written, under which snapshot id the batch will be committed. A batch seen before
  // keeps its id.
  virtual Result<PreparedBatch> PrepareBatch(const std::string& table, const std::string& batch_id,
                                             int64_t snapshot_id) = 0;
  // Snapshots of the table that runs have pinned: they do not expire.
  virtual Result<std::set<int64_t>> PinnedSnapshots(const std::string& table) = 0;
  // Whether what was swapped stands even if a part of the store that is only a log of late changes is lost.
  virtual Result<bool> Settle() { return true; }
};

// The fence in front of a landing: kConflict unless `found` are the expected offsets and no younger writer took over.
Status CheckFence(const LandingMark& landing, const Offsets& found, int64_t current_epoch);
std::string OffsetsToString(const Offsets& offsets);

// `store` outlives it and was opened with CatalogMigrations().
std::unique_ptr<PointerStore> MakeSqlPointerStore(meta::Store& store);

}  // namespace feedmill::lake
