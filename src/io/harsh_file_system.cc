#include "io/harsh_file_system.h"

#include <algorithm>

#include "io/harsh_world_internal.h"

namespace feedmill::io {
namespace {

// A copy: a mapping of the real system would show later bytes, and nobody may count on either.
class CopiedFile final : public MappedFile {
 public:
  explicit CopiedFile(std::string content) : content_(std::move(content)) {}
  std::span<const std::byte> bytes() const override { return std::as_bytes(std::span(content_)); }

 private:
  const std::string content_;
};

// `World` by template: it is private to HarshFileSystem, whose functions make these.
template <typename World>
class AppendingFile final : public WritableFile {
 public:
  AppendingFile(std::shared_ptr<World> world, HarshNodePtr node, std::string path)
      : world_(std::move(world)), node_(std::move(node)), path_(std::move(path)) {}

  Status Append(std::string_view bytes) override {
    MutexLock lock(world_->mutex);
    if (failed_) return Io("append {}: an earlier sync or write failed; reopen the file", path_);
    Result<std::optional<Fault>> fault = world_->Enter({.changes = true, .appends = true}, path_);
    if (!fault) return std::unexpected(fault.error());
    if (*fault == Fault::kIoError) return Failed("Input/output error");
    uint64_t capacity = world_->options.capacity_bytes;
    uint64_t room = capacity == 0 ? bytes.size() : capacity - std::min(capacity, world_->UsedBytes());
    bool cut = fault->has_value() || world_->DiesNow();
    size_t taken = cut ? world_->random.Below(bytes.size() + 1) : std::min<size_t>(bytes.size(), room);
    node_->bytes.cache.append(bytes.substr(0, taken));
    if (*fault == Fault::kShortWrite) return Failed("Input/output error");
    if (fault->has_value() || (!cut && taken < bytes.size())) return Failed("No space left on device");
    return Ok();
  }

  Status Sync() override {
    MutexLock lock(world_->mutex);
    if (failed_) return Io("fdatasync {}: an earlier sync or write failed; reopen the file", path_);
    Result<std::optional<Fault>> fault = world_->Enter({.changes = true, .syncs = true}, path_);
    if (!fault) return std::unexpected(fault.error());
    if (!fault->has_value()) {
      node_->bytes.Sync();
      return Ok();
    }
    node_->bytes.DropDirty(&world_->random);
    return Failed("Input/output error");
  }

  Status Close() override { return Ok(); }

  uint64_t Size() const override {
    MutexLock lock(world_->mutex);
    return node_->bytes.cache.size();
  }

 private:
  Status Failed(std::string_view why) {
    failed_ = true;
    return Io("{}: {}", path_, why);
  }

  const std::shared_ptr<World> world_;
  const HarshNodePtr node_;
  const std::string path_;
  bool failed_ = false;
};

template <typename World>
class ReadingFile final : public ReadableFile {
 public:
  ReadingFile(std::shared_ptr<World> world, HarshNodePtr node, std::string path)
      : world_(std::move(world)), node_(std::move(node)), path_(std::move(path)) {}

  Status ReadAt(uint64_t offset, size_t length, std::string* out) const override {
    MutexLock lock(world_->mutex);
    FEEDMILL_TRY(world_->EnterWhole({}, path_));
    const std::string& content = node_->bytes.cache;
    out->assign(content, std::min<size_t>(offset, content.size()), length);
    return Ok();
  }
  Result<uint64_t> Size() const override {
    MutexLock lock(world_->mutex);
    return node_->bytes.cache.size();
  }

 private:
  const std::shared_ptr<World> world_;
  const HarshNodePtr node_;
  const std::string path_;
};

}  // namespace

HarshFileSystem::HarshFileSystem(const HarshOptions& options) : world_(std::make_shared<World>(options)) {}
HarshFileSystem::HarshFileSystem(std::shared_ptr<World> world) : world_(std::move(world)) {}
HarshFileSystem::~HarshFileSystem() = default;

void HarshFileSystem::FailCall(uint64_t nth, Fault fault) {
  MutexLock lock(world_->mutex);
  world_->planned.push_back({nth, fault});
}

void HarshFileSystem::StopAfter(uint64_t nth) {
  MutexLock lock(world_->mutex);
  world_->stop_after = nth == 0 ? 0 : world_->changes + nth;
}

bool HarshFileSystem::stopped() const {
  MutexLock lock(world_->mutex);
  return world_->stop_after != 0 && world_->changes >= world_->stop_after;
}

uint64_t HarshFileSystem::changes() const {
  MutexLock lock(world_->mutex);
  return world_->changes;
}

std::unique_ptr<HarshFileSystem> HarshFileSystem::Crash(uint64_t seed) const {
  MutexLock lock(world_->mutex);
  return std::unique_ptr<HarshFileSystem>(new HarshFileSystem(world_->AfterCrash(seed)));
}

Result<std::unique_ptr<WritableFile>> HarshFileSystem::OpenForAppend(const std::string& path) {
  MutexLock lock(world_->mutex);
  bool creates = world_->Find(path) == nullptr;
  FEEDMILL_TRY(world_->EnterWhole({.changes = creates, .creates = creates, .opens = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->OpenOrCreate(path, false));
  return std::make_unique<AppendingFile<World>>(world_, node, path);
}

Result<std::unique_ptr<WritableFile>> HarshFileSystem::CreateTruncated(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true, .creates = true, .opens = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->OpenOrCreate(path, true));
  return std::make_unique<AppendingFile<World>>(world_, node, path);
}

Result<std::unique_ptr<ReadableFile>> HarshFileSystem::OpenForRead(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.opens = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->FindFile(path));
  return std::make_unique<ReadingFile<World>>(world_, node, path);
}

Result<std::unique_ptr<MappedFile>> HarshFileSystem::Map(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.opens = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->FindFile(path));
  return std::make_unique<CopiedFile>(node->bytes.cache);
}

Status HarshFileSystem::Truncate(const std::string& path, uint64_t size) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->FindFile(path));
  node->bytes.cache.resize(size, '\0');
  node->bytes.dirty_from = std::min<size_t>(node->bytes.dirty_from, size);
  node->bytes.Sync();
  return Ok();
}

Status HarshFileSystem::Rename(const std::string& from, const std::string& to) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true}, from));
  HarshNodePtr node = world_->Find(from);
  if (!node) return NotFound("rename {} to {}: No such file or directory", from, to);
  FEEDMILL_ASSIGN(auto source, world_->FindParent(from));
  FEEDMILL_ASSIGN(auto target, world_->FindParent(to));
  HarshNodePtr replaced = world_->Find(to);
  if (replaced == node) return Ok();
  bool full = replaced && replaced->is_directory && !replaced->entries.empty();
  bool mixed = replaced && replaced->is_directory != node->is_directory;
  if (full || mixed) return AlreadyExists("rename {} to {}: Directory not empty", from, to);
  world_->Change({target.first, target.second, node, source.first, source.second});
  return Ok();
}

Status HarshFileSystem::Remove(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true}, path));
  FEEDMILL_TRY(world_->FindFile(path));
  FEEDMILL_ASSIGN(auto place, world_->FindParent(path));
  world_->Change({place.first, place.second, nullptr, nullptr, {}});
  return Ok();
}

Status HarshFileSystem::CreateDirectories(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true, .creates = true}, path));
  HarshNodePtr node = world_->root;
  for (const std::string& name : SplitPath(path)) {
    HarshNodePtr& child = node->entries[name];
    if (!child) {
      child = std::make_shared<HarshNode>();
      child->is_directory = true;
    }
    if (!child->is_directory) return AlreadyExists("mkdir {}: found a file, allowed a directory", path);
    world_->SyncDirectory(node);
    node->on_disk[name] = child;
    node = child;
  }
  return Ok();
}

Status HarshFileSystem::RemoveAll(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true}, path));
  HarshNodePtr node = world_->Find(path);
  if (!node) return Ok();
  FEEDMILL_ASSIGN(auto place, world_->FindParent(path));
  // Files first, each for itself: a crash may leave any of them.
  std::vector<HarshNodePtr> open = {node};
  for (size_t i = 0; i < open.size(); ++i) {
    HarshEntries entries = open[i]->entries;
    for (const auto& [name, child] : entries) {
      if (child->is_directory) open.push_back(child);
      if (!child->is_directory) world_->Change({open[i], name, nullptr, nullptr, {}});
    }
  }
  world_->Change({place.first, place.second, nullptr, nullptr, {}});
  return Ok();
}

Status HarshFileSystem::SyncDirectory(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({.changes = true, .syncs = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr directory, world_->FindDirectory(path));
  world_->SyncDirectory(directory);
  return Ok();
}

Status HarshFileSystem::SyncFile(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_ASSIGN(std::optional<Fault> fault, world_->Enter({.changes = true, .syncs = true}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->FindFile(path));
  if (!fault) {
    node->bytes.Sync();
    return Ok();
  }
  node->bytes.DropDirty(&world_->random);
  return Io("fsync {}: Input/output error", path);
}

Result<std::vector<std::string>> HarshFileSystem::List(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({}, path));
  FEEDMILL_ASSIGN(HarshNodePtr directory, world_->FindDirectory(path));
  std::vector<std::string> names;
  for (const auto& [name, node] : directory->entries) names.push_back(name);
  return names;
}

Result<bool> HarshFileSystem::Exists(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({}, path));
  return world_->Find(path) != nullptr;
}

Result<uint64_t> HarshFileSystem::FileSize(const std::string& path) {
  MutexLock lock(world_->mutex);
  FEEDMILL_TRY(world_->EnterWhole({}, path));
  FEEDMILL_ASSIGN(HarshNodePtr node, world_->FindFile(path));
  return node->bytes.cache.size();
}

}  // namespace feedmill::io
