#include "lake/staged_pointers_internal.h"

#include <algorithm>
#include <set>
#include <utility>

#include "lake/run_tables.h"

namespace feedmill::lake {
namespace {

class StagedPointers final : public PointerStore {
 public:
  StagedPointers(std::unique_ptr<PointerStore> inner, std::string run_id, const std::vector<std::string>& tables)
      : inner_(std::move(inner)), run_id_(std::move(run_id)), tables_(tables.begin(), tables.end()) {}

  // Published names; of the staged ones those that the run has made.
  Result<std::vector<std::string>> List() override {
    FEEDMILL_ASSIGN(std::vector<std::string> names, inner_->List());
    std::erase_if(names, [this](const std::string& name) { return tables_.contains(name); });
    for (const std::string& table : tables_) {
      const auto location = inner_->Location(NameOf(table));
      if (location) names.push_back(table);
      if (!location && location.error().kind() != ErrorKind::kNotFound) return std::unexpected(location.error());
    }
    std::ranges::sort(names);
    return names;
  }

  Result<std::string> Location(const std::string& table) override { return inner_->Location(NameOf(table)); }
  Status Insert(const std::string& table, const std::string& location) override {
    return inner_->Insert(NameOf(table), location);
  }
  Status Delete(const std::string& table) override { return inner_->Delete(NameOf(table)); }
  Result<SwapOutcome> Swap(const PointerChange& change) override {
    PointerChange renamed = change;
    renamed.table = NameOf(change.table);
    if (renamed.table != change.table) renamed.run_id.clear();  // the run sees its staged tables as they are
    return inner_->Swap(renamed);
  }
  Result<Offsets> LandedOffsets(const std::string& table, const std::string& stream) override {
    return inner_->LandedOffsets(NameOf(table), stream);
  }
  Result<int64_t> RaiseWriterEpoch(const std::string& stream) override { return inner_->RaiseWriterEpoch(stream); }
  Result<int64_t> WriterEpoch(const std::string& stream) override { return inner_->WriterEpoch(stream); }
  Result<PreparedBatch> PrepareBatch(const std::string& table, const std::string& batch_id,
                                     int64_t snapshot_id) override {
    return inner_->PrepareBatch(NameOf(table), batch_id, snapshot_id);
  }
  Result<std::set<int64_t>> PinnedSnapshots(const std::string& table) override {
    return inner_->PinnedSnapshots(NameOf(table));
  }

 private:
  std::string NameOf(const std::string& table) const {
    return tables_.contains(table) ? StagedName(run_id_, table) : table;
  }

  std::unique_ptr<PointerStore> inner_;
  const std::string run_id_;
  const std::set<std::string> tables_;
};

}  // namespace

Result<std::unique_ptr<PointerStore>> MakeStagedPointers(meta::Store& store, const std::string& run_id) {
  FEEDMILL_ASSIGN(const auto tables, StagedTables(store, run_id));
  return std::make_unique<StagedPointers>(MakeSqlPointerStore(store), run_id, tables);
}

}  // namespace feedmill::lake
