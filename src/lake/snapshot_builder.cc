#include "lake/snapshot_builder.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <utility>

#include "base/hash.h"
#include "io/confined_file_system.h"
#include "lake/bounds.h"

namespace feedmill::lake {
namespace {

// A partition's values as one string that is equal exactly when they are.
std::string PartitionKey(const DataFile& file, const std::vector<PartitionType>& types) {
  std::string key;
  for (size_t i = 0; i < types.size(); ++i) {
    if (!file.partition[i]) {
      key += "n;";
    } else if (types[i].type == ColumnType::kString) {
      key += fmt::format("t{}:{};", file.partition_text[i].size(), file.partition_text[i]);
    } else {
      key += fmt::format("i{};", *file.partition[i]);
    }
  }
  return key;
}

int64_t SummaryNumber(const Snapshot* snapshot, const char* key) {
  if (snapshot == nullptr) return 0;
  auto found = snapshot->summary.find(key);
  int64_t value = 0;
  if (found != snapshot->summary.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  }
  return value;
}

std::string OffsetsJson(const std::map<uint32_t, uint64_t>& offsets) {
  std::string json;
  for (auto [partition, next] : offsets) json += fmt::format("{}\"{}\":{}", json.empty() ? "" : ",", partition, next);
  return "{" + json + "}";
}

// Whether a manifest's values of one partition field may include that of `file`.
bool MayInclude(const PartitionSummary& summary, ColumnType type, const DataFile& file, size_t field) {
  if (!file.partition[field]) return summary.contains_null;
  // No bounds: all values are null, or the writer gave none.
  if (!summary.lower_bound || !summary.upper_bound) return !summary.contains_null;
  if (type == ColumnType::kString) {
    const std::string& text = file.partition_text[field];
    return *summary.lower_bound <= text && text <= *summary.upper_bound;
  }
  const auto low = DecodeIntegerBound(type, *summary.lower_bound),
             high = DecodeIntegerBound(type, *summary.upper_bound);
  return !low || !high || (*low <= *file.partition[field] && *file.partition[field] <= *high);
}

ManifestEntry Existing(ManifestEntry entry) {
  entry.status = EntryStatus::kExisting;
  return entry;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(TableFiles& files, IdSource& ids, const TableMetadata& base,
                                 const CommitRequest& request, const SnapshotBuilderOptions& options)
    : files_(files),
      ids_(ids),
      base_(base),
      request_(request),
      options_(options),
      parent_(base.CurrentSnapshot()),
      uuid_(ids.Uuid()),
      schema_(*base.FindSchema(base.current_schema_id)),
      spec_(base.DefaultSpec()),
      types_(PartitionTypes(spec_, schema_.columns)),
      sequence_number_(base.last_sequence_number + 1) {}

Result<TableMetadata> SnapshotBuilder::Build() {
  FEEDMILL_TRY(CheckFiles());
  std::vector<ManifestFile> manifests;
  if (parent_ != nullptr) {
    FEEDMILL_ASSIGN(manifests, files_.ReadManifests(*parent_));
  }
  if (request_.operation == CommitRequest::Operation::kReplacePartitions) {
    FEEDMILL_TRY(ReplacePartitions(&manifests));
  } else if (request_.operation == CommitRequest::Operation::kReplaceFiles) {
    FEEDMILL_TRY(ReplaceFiles(&manifests));
  } else {
    FEEDMILL_TRY(CheckAppendable());
  }
  FEEDMILL_TRY(MergeSmallManifests(&manifests));
  FEEDMILL_TRY(AddFiles(&manifests));

  Snapshot snapshot;
  snapshot.id = options_.snapshot_id;
  if (parent_ != nullptr) snapshot.parent_id = parent_->id;
  snapshot.sequence_number = sequence_number_;
  // Readers want the log of snapshots in the order of time, even when the clock was set back.
  snapshot.committed_at = std::max(options_.now / kMicrosPerMilli * kMicrosPerMilli, base_.last_updated);
  snapshot.schema_id = schema_.id;
  snapshot.summary = Summary(manifests);
  FEEDMILL_TRY(WriteList(std::move(manifests), &snapshot));

  TableMetadata next = base_;
  next.last_sequence_number = sequence_number_;
  next.last_updated = snapshot.committed_at;
  next.current_snapshot_id = snapshot.id;
  next.snapshot_log.push_back({snapshot.committed_at, snapshot.id});
  next.snapshots.push_back(std::move(snapshot));
  return next;
}

Status SnapshotBuilder::CheckFiles() const {
  std::set<std::string_view> paths;
  for (const DataFile& file : request_.files) {
    if (!io::LiesBelow(std::filesystem::path(file.path).lexically_normal().string(), base_.location))
      return InvalidArgument("data file '{}': allowed is a path below the table's folder {}", file.path,
                             base_.location);
    if (!paths.insert(file.path).second) return InvalidArgument("data file {} is given twice", file.path);
    if (file.record_count < 0 || file.size_bytes <= 0) {
      return InvalidArgument("data file {}: {} records in {} bytes", file.path, file.record_count, file.size_bytes);
    }
    for (const auto& [id, statistics] : file.statistics) {
      if (FindColumn(schema_.columns, id) != nullptr) continue;
      const bool element =
          std::ranges::any_of(schema_.columns, [&](const Column& column) { return column.element_id == id; });
      if (!element)
        return InvalidArgument("data file {}: statistics of field id {}, which the table does not have", file.path, id);
    }
  }
  return Ok();
}

// Nothing when the table is unpartitioned: all of it is replaced.
Result<SnapshotBuilder::Partitions> SnapshotBuilder::ReplacedPartitions() const {
  Partitions partitions;
  const auto add = [&](DataFile named) {
    if (partitions.keys.insert(PartitionKey(named, types_)).second) partitions.samples.push_back(std::move(named));
  };
  for (const DataFile& file : request_.files) {
    if (file.partition.size() != types_.size()) {
      return InvalidArgument("data file {}: {} partition values, the table has {} partition fields", file.path,
                             file.partition.size(), types_.size());
    }
    DataFile whole;
    whole.partition = file.partition;
    whole.partition_text = file.partition_text;
    whole.partition_text.resize(types_.size());
    add(std::move(whole));
  }
  for (const auto& partition : request_.replaced_partitions) {
    const bool has_text =
        std::ranges::any_of(types_, [](const PartitionType& type) { return type.type == ColumnType::kString; });
    if (partition.size() != types_.size() || has_text) {
      return InvalidArgument("replaced_partitions: {} values; the table has {} partition fields{}", partition.size(),
                             types_.size(), has_text ? ", of which some are text and cannot be named here" : "");
    }
    DataFile named;
    named.partition = partition;
    add(std::move(named));
  }
  return partitions;
}

bool SnapshotBuilder::MayHold(const ManifestFile& manifest, const Partitions& partitions) const {
  if (types_.empty() || manifest.spec_id != spec_.id || manifest.partitions.size() != types_.size()) return true;
  return std::ranges::any_of(partitions.samples, [&](const DataFile& sample) {
    for (size_t i = 0; i < types_.size(); ++i) {
      if (!MayInclude(manifest.partitions[i], types_[i].type, sample, i)) return false;
    }
    return true;
  });
}

Status SnapshotBuilder::ReplacePartitions(std::vector<ManifestFile>* manifests) {
  FEEDMILL_ASSIGN(auto partitions, ReplacedPartitions());
  read_sequence_number_ = std::numeric_limits<int64_t>::max();
  if (request_.read_snapshot_id == 0) {
    read_sequence_number_ = 0;
  } else if (request_.read_snapshot_id) {
    const Snapshot* read = base_.FindSnapshot(*request_.read_snapshot_id);
    if (read == nullptr) return Conflict("snapshot {}, which was read, has expired", *request_.read_snapshot_id);
    read_sequence_number_ = read->sequence_number;
  }
  return FilterManifests([&](const ManifestFile& manifest) { return MayHold(manifest, partitions); },
                         [&](const ManifestEntry& entry) {
                           return types_.empty() || partitions.keys.contains(PartitionKey(entry.file, types_));
                         },
                         manifests);
}

Status SnapshotBuilder::ReplaceFiles(std::vector<ManifestFile>* manifests) {
  const std::set<std::string> paths(request_.replaced_files.begin(), request_.replaced_files.end());
  read_sequence_number_ = std::numeric_limits<int64_t>::max();
  // Most often they are young, and the newest manifests come first.
  FEEDMILL_TRY(FilterManifests([&](const ManifestFile&) { return deleted_.files < static_cast<int64_t>(paths.size()); },
                               [&](const ManifestEntry& entry) { return paths.contains(entry.file.path); }, manifests));
  if (deleted_.files == static_cast<int64_t>(paths.size())) return Ok();
  return Conflict("{} of {} files that were to be replaced are in the table", deleted_.files, paths.size());
}

Status SnapshotBuilder::FilterManifests(const MayBeReplaced& may, const IsReplaced& replaced,
                                        std::vector<ManifestFile>* manifests) {
  for (ManifestFile& manifest : *manifests) {
    if (manifest.content == ManifestContent::kData && may(manifest)) FEEDMILL_TRY(FilterManifest(replaced, &manifest));
  }
  // A manifest of deleted entries only tells what this snapshot removed; those of earlier snapshots have been told.
  std::erase_if(*manifests, [this](const ManifestFile& manifest) {
    return manifest.added_files + manifest.existing_files == 0 && manifest.added_snapshot_id != options_.snapshot_id;
  });
  return Ok();
}

Status SnapshotBuilder::CheckAppendable() const {
  const int64_t current = parent_ == nullptr ? 0 : parent_->id;
  if (!request_.read_snapshot_id || *request_.read_snapshot_id == current) return Ok();
  return Conflict("snapshot {} was published after snapshot {} was read", current, *request_.read_snapshot_id);
}

Status SnapshotBuilder::CheckReplaceable(const ManifestEntry& entry) const {
  if (*entry.sequence_number <= read_sequence_number_) return Ok();
  return Conflict("{} landed in a replaced partition after snapshot {} was read", entry.file.path,
                  *request_.read_snapshot_id);
}

Status SnapshotBuilder::FilterManifest(const IsReplaced& replaced, ManifestFile* manifest) {
  FEEDMILL_ASSIGN(auto entries, files_.ReadEntries(*manifest, base_));
  std::erase_if(entries, [](const ManifestEntry& entry) { return entry.status == EntryStatus::kDeleted; });
  if (manifest->spec_id != spec_.id) {
    return InvalidArgument("{}: files of partition spec {} cannot be replaced, the table's is {}", manifest->path,
                           manifest->spec_id, spec_.id);
  }
  if (std::ranges::none_of(entries, replaced)) return Ok();
  ManifestWriter writer(schema_, spec_, options_.snapshot_id);
  for (ManifestEntry& entry : entries) {
    if (!replaced(entry)) {
      FEEDMILL_TRY(writer.Add(Existing(std::move(entry))));
      continue;
    }
    FEEDMILL_TRY(CheckReplaceable(entry));
    deleted_.files += 1;
    deleted_.rows += entry.file.record_count;
    deleted_.bytes += entry.file.size_bytes;
    deleted_.partitions.insert(PartitionKey(entry.file, types_));
    entry.status = EntryStatus::kDeleted;
    entry.snapshot_id = options_.snapshot_id;
    FEEDMILL_TRY(writer.Add(entry));
  }
  FEEDMILL_ASSIGN(*manifest, Write(writer));
  return Ok();
}

Status SnapshotBuilder::AddFiles(std::vector<ManifestFile>* manifests) {
  if (request_.files.empty()) return Ok();
  ManifestWriter writer(schema_, spec_, options_.snapshot_id);
  for (const DataFile& file : request_.files) {
    ManifestEntry entry;
    entry.snapshot_id = options_.snapshot_id;
    entry.file = file;
    FEEDMILL_TRY(writer.Add(entry));
    added_.files += 1;
    added_.rows += file.record_count;
    added_.bytes += file.size_bytes;
    added_.partitions.insert(PartitionKey(file, types_));
  }
  FEEDMILL_ASSIGN(ManifestFile manifest, Write(writer));
  manifests->insert(manifests->begin(), std::move(manifest));
  return Ok();
}

Status SnapshotBuilder::MergeSmallManifests(std::vector<ManifestFile>* manifests) {
  auto small = [this](const ManifestFile& manifest) {
    return manifest.content == ManifestContent::kData && manifest.spec_id == spec_.id &&
           manifest.length < options_.manifest_bytes_target / 2 && manifest.added_snapshot_id != options_.snapshot_id;
  };
  if (std::ranges::count_if(*manifests, small) <= options_.small_manifests_max) return Ok();
  std::vector<ManifestFile> kept;
  std::vector<ManifestFile> bin;
  int64_t bin_bytes = 0;
  auto end_bin = [&]() -> Status {
    if (!bin.empty()) {
      FEEDMILL_ASSIGN(ManifestFile merged, MergeManifests(bin));
      kept.push_back(std::move(merged));
    }
    bin.clear();
    bin_bytes = 0;
    return Ok();
  };
  for (ManifestFile& manifest : *manifests) {
    if (!small(manifest)) {
      kept.push_back(std::move(manifest));
      continue;
    }
    if (bin_bytes + manifest.length > options_.manifest_bytes_target) FEEDMILL_TRY(end_bin());
    bin_bytes += manifest.length;
    bin.push_back(std::move(manifest));
  }
  FEEDMILL_TRY(end_bin());
  *manifests = std::move(kept);
  return Ok();
}

Result<ManifestFile> SnapshotBuilder::MergeManifests(const std::vector<ManifestFile>& parts) {
  if (parts.size() == 1) return parts[0];
  ManifestWriter writer(schema_, spec_, options_.snapshot_id);
  for (const ManifestFile& part : parts) {
    FEEDMILL_ASSIGN(auto entries, files_.ReadEntries(part, base_));
    for (ManifestEntry& entry : entries) {
      if (entry.status != EntryStatus::kDeleted) FEEDMILL_TRY(writer.Add(Existing(std::move(entry))));
    }
  }
  return Write(writer);
}

Result<ManifestFile> SnapshotBuilder::Write(ManifestWriter& writer) {
  FEEDMILL_ASSIGN(auto manifest, writer.Finish());
  manifest.file.path = fmt::format("{}/metadata/{}-m{}.avro", base_.location, uuid_, written_.size());
  manifest.file.sequence_number = sequence_number_;
  if (manifest.file.min_sequence_number < 0) manifest.file.min_sequence_number = sequence_number_;
  written_.push_back(manifest.file.path);
  FEEDMILL_TRY(files_.WriteNew(manifest.file.path, manifest.bytes));
  return std::move(manifest.file);
}

Status SnapshotBuilder::WriteList(std::vector<ManifestFile> manifests, Snapshot* snapshot) {
  snapshot->manifest_list = fmt::format("{}/metadata/snap-{}-1-{}.avro", base_.location, snapshot->id, uuid_);
  FEEDMILL_ASSIGN(std::string bytes,
                  WriteManifestList({snapshot->id, snapshot->parent_id, sequence_number_}, manifests));
  snapshot->summary[kManifestListCrc32c] = std::to_string(Crc32c(bytes));
  written_.push_back(snapshot->manifest_list);
  return files_.WriteNew(snapshot->manifest_list, bytes);
}

std::map<std::string, std::string> SnapshotBuilder::Summary(const std::vector<ManifestFile>& manifests) const {
  std::map<std::string, std::string> summary = request_.summary;
  // Where landing stands is told by every version, so that the newest alone can tell.
  if (parent_ != nullptr) {
    for (const auto& [key, value] : parent_->summary) {
      if (key.starts_with(kOffsetsPrefix) || key == kWriterEpoch) summary.emplace(key, value);
    }
  }
  auto put = [&](const char* key, int64_t value, bool always) {
    if (value != 0 || always) summary[key] = std::to_string(value);
  };
  int64_t files = 0, rows = 0;
  for (const ManifestFile& manifest : manifests) {
    if (manifest.content != ManifestContent::kData) continue;
    files += manifest.added_files + manifest.existing_files;
    rows += manifest.added_rows + manifest.existing_rows;
  }
  std::set<std::string> changed = added_.partitions;
  changed.insert(deleted_.partitions.begin(), deleted_.partitions.end());
  summary["operation"] = request_.operation == CommitRequest::Operation::kAppend ? "append" : "overwrite";
  put("added-data-files", added_.files, false);
  put("added-records", added_.rows, false);
  put("added-files-size", added_.bytes, false);
  put("deleted-data-files", deleted_.files, false);
  put("deleted-records", deleted_.rows, false);
  put("removed-files-size", deleted_.bytes, false);
  put("changed-partition-count", static_cast<int64_t>(changed.size()), true);
  put("total-data-files", files, true);
  put("total-records", rows, true);
  put("total-files-size", SummaryNumber(parent_, "total-files-size") + added_.bytes - deleted_.bytes, true);
  for (const char* key : {"total-delete-files", "total-position-deletes", "total-equality-deletes"}) {
    put(key, SummaryNumber(parent_, key), true);
  }
  if (request_.landing) {
    summary[kOffsetsPrefix + request_.landing->stream] = OffsetsJson(request_.landing->next);
    summary["feedmill.batch-id"] = request_.landing->batch_id;
    summary[kWriterEpoch] = std::to_string(request_.landing->writer_epoch);
  }
  return summary;
}

}  // namespace feedmill::lake
