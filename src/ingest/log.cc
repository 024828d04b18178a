#include "ingest/log.h"

#include <algorithm>

#include "ingest/partition_log_internal.h"

namespace feedmill::ingest {
namespace {

constexpr uint32_t kPartitionsMax = 64;

class PartitionedLog final : public EventLog {
 public:
  explicit PartitionedLog(std::vector<std::unique_ptr<PartitionLog>> partitions) : partitions_(std::move(partitions)) {}
  ~PartitionedLog() override { PartitionedLog::Close(); }

  uint32_t partitions() const override { return static_cast<uint32_t>(partitions_.size()); }

  Status Append(uint32_t partition, std::vector<std::string> payloads, AppendDone done) override {
    FEEDMILL_TRY(CheckPartition(partition));
    return partitions_[partition]->Append(std::move(payloads), std::move(done));
  }

  uint64_t EndOffset(uint32_t partition) const override {
    return CheckPartition(partition) ? partitions_[partition]->EndOffset() : 0;
  }
  uint64_t BeginOffset(uint32_t partition) const override {
    return CheckPartition(partition) ? partitions_[partition]->BeginOffset() : 0;
  }

  Result<std::vector<Record>> Read(uint32_t partition, uint64_t offset, size_t bytes_max) const override {
    FEEDMILL_TRY(CheckPartition(partition));
    return partitions_[partition]->Read(offset, bytes_max);
  }

  bool WaitFor(uint32_t partition, uint64_t offset, Micros timeout) const override {
    return CheckPartition(partition) && partitions_[partition]->WaitFor(offset, timeout);
  }

  Status status() const override {
    for (const auto& partition : partitions_) FEEDMILL_TRY(partition->status());
    return Ok();
  }

  std::vector<LogDamage> damage() const override {
    std::vector<LogDamage> all;
    for (const auto& partition : partitions_) std::ranges::move(partition->damage(), std::back_inserter(all));
    return all;
  }

  Status Trim(uint32_t partition, uint64_t offset, Micros older_than) override {
    FEEDMILL_TRY(CheckPartition(partition));
    return partitions_[partition]->Trim(offset, older_than);
  }

  void Close() override {
    for (auto& partition : partitions_) partition->Close();
  }

 private:
  Status CheckPartition(uint32_t partition) const {
    if (partition < partitions_.size()) return Ok();
    return InvalidArgument("event log has no partition {}: it has {}", partition, partitions_.size());
  }

  std::vector<std::unique_ptr<PartitionLog>> partitions_;
};

// A log once made with more partitions must not be opened with fewer: the records of the others would be left unread.
Status CheckPartitionFolders(io::FileSystem& files, const LogOptions& options) {
  FEEDMILL_ASSIGN(auto names, files.List(options.directory));
  for (const auto& name : names) {
    if (name.size() < 2 || name[0] != 'p' || name.find_first_not_of("0123456789", 1) != std::string::npos) continue;
    if (name.size() > 3 || static_cast<uint32_t>(std::stoi(name.substr(1))) >= options.partitions) {
      return InvalidArgument("event log {} holds partition {}, the configuration says {} partitions", options.directory,
                             name, options.partitions);
    }
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<EventLog>> OpenEventLog(io::FileSystem& files, const Clock& clock, const LogOptions& options,
                                               const LogRescue& rescue) {
  if (options.partitions == 0 || options.partitions > kPartitionsMax) {
    return InvalidArgument("event log with {} partitions, 1 to {} are allowed", options.partitions, kPartitionsMax);
  }
  FEEDMILL_TRY(files.CreateDirectories(options.directory));
  FEEDMILL_TRY(CheckPartitionFolders(files, options));
  std::vector<std::unique_ptr<PartitionLog>> partitions;
  for (uint32_t i = 0; i < options.partitions; ++i) {
    FEEDMILL_ASSIGN(auto partition, PartitionLog::Open(files, clock, options, rescue, i));
    partitions.push_back(std::move(partition));
  }
  return std::make_unique<PartitionedLog>(std::move(partitions));
}

Status SkipLogRecords(io::FileSystem& files, const Clock& clock, const LogOptions& options, uint32_t partition,
                      OffsetRange range) {
  return PartitionLog::Skip(files, clock, options, partition, range);
}

}  // namespace feedmill::ingest
