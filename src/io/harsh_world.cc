#include <algorithm>
#include <functional>

#include "io/harsh_world_internal.h"

namespace feedmill::io {
namespace {

constexpr size_t kSector = 512;
constexpr size_t kPage = 4096;

// Copies cache[begin, end) into `out` as far as the disk got it: all, nothing, or single sectors.
void LandPage(const HarshBytes& bytes, size_t begin, size_t end, Random* random, std::string* out) {
  enum { kKept, kLost, kTorn } fate = random->Chance(0.4) ? kKept : random->Chance(0.5) ? kLost : kTorn;
  bool stale = random->Chance(0.1);
  for (size_t at = begin; at < end;) {
    size_t sector_end = std::min(end, (at / kSector + 1) * kSector);
    bool kept = fate == kKept || (fate == kTorn && random->Chance(0.5));
    if (kept) {
      std::copy(bytes.cache.begin() + static_cast<ptrdiff_t>(at),
                bytes.cache.begin() + static_cast<ptrdiff_t>(sector_end), out->begin() + static_cast<ptrdiff_t>(at));
    } else if (stale) {
      for (size_t i = at; i < sector_end; ++i) (*out)[i] = static_cast<char>(random->Next());
    }
    at = sector_end;
  }
}

// A size between two, often at an edge of a sector.
size_t SizeBetween(size_t low, size_t high, Random* random) {
  size_t size = low + random->Below(high - low + 1);
  if (random->Chance(0.3)) return high;
  return random->Chance(0.5) ? std::max(low, size / kSector * kSector) : size;
}

std::string LandSome(const HarshBytes& bytes, const std::string& base, Random* random) {
  std::string out = base;
  out.resize(SizeBetween(std::min(base.size(), bytes.cache.size()), bytes.cache.size(), random), '\0');
  for (size_t at = bytes.dirty_from; at < out.size();) {
    size_t end = std::min(out.size(), (at / kPage + 1) * kPage);
    LandPage(bytes, at, end, random, &out);
    at = end;
  }
  return out;
}

}  // namespace

void HarshBytes::Sync() {
  if (truncation_pending) durable.clear();
  truncation_pending = false;
  // What a failed sync dropped in front of the dirty bytes is a hole for ever.
  durable.resize(dirty_from, '\0');
  durable.append(cache, dirty_from);
  dirty_from = cache.size();
}

void HarshBytes::DropDirty(Random* random) {
  durable = AfterCrash(random);
  truncation_pending = false;
  dirty_from = cache.size();
}

std::string HarshBytes::AfterCrash(Random* random) const {
  if (Clean() || (truncation_pending && random->Chance(0.5))) return durable;
  std::string base = truncation_pending ? std::string() : durable;
  switch (random->Below(4)) {
    case 0:
      return base;
    case 1: {
      HarshBytes all = *this;
      all.Sync();
      return all.durable;
    }
    default:
      return LandSome(*this, base, random);
  }
}

std::vector<std::vector<size_t>> GroupChanges(const std::vector<HarshEntryChange>& changes) {
  using Name = std::pair<const HarshNode*, std::string>;
  std::vector<size_t> group_of(changes.size());
  std::map<Name, size_t> last_of_name;
  // The group a change belongs to, by the first change in it.
  std::function<size_t(size_t)> first = [&](size_t i) {
    return group_of[i] == i ? i : group_of[i] = first(group_of[i]);
  };
  auto join = [&](size_t i, const Name& name) {
    auto [found, added] = last_of_name.try_emplace(name, i);
    size_t a = first(i), b = first(found->second);
    group_of[std::max(a, b)] = std::min(a, b);
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    group_of[i] = i;
    join(i, {changes[i].directory.get(), changes[i].name});
    if (changes[i].old_directory) join(i, {changes[i].old_directory.get(), changes[i].old_name});
  }
  std::map<size_t, std::vector<size_t>> groups;
  for (size_t i = 0; i < changes.size(); ++i) groups[first(i)].push_back(i);
  std::vector<std::vector<size_t>> all;
  for (auto& [key, members] : groups) all.push_back(std::move(members));
  return all;
}

void ApplyToDisk(const HarshEntryChange& change) {
  if (change.old_directory) change.old_directory->on_disk.erase(change.old_name);
  if (change.node) {
    change.directory->on_disk[change.name] = change.node;
  } else {
    change.directory->on_disk.erase(change.name);
  }
}

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    size_t slash = path.find('/');
    std::string_view name = path.substr(0, slash);
    path = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    if (!name.empty() && name != ".") names.emplace_back(name);
  }
  return names;
}

Result<std::optional<Fault>> HarshFileSystem::World::Enter(const Call& call, const std::string& path) {
  if (stop_after != 0 && changes >= stop_after) return Io("{}: the machine is dead", path);
  changes += call.changes;
  auto fits = [&](Fault fault) {
    switch (fault) {
      case Fault::kIoError:
        return true;
      case Fault::kNoSpace:
        return call.appends || call.creates;
      case Fault::kShortWrite:
        return call.appends;
      case Fault::kSyncFails:
        return call.syncs;
      case Fault::kTooManyOpenFiles:
        return call.opens;
    }
    return false;
  };
  std::optional<Fault> due;
  for (Planned& plan : planned) {
    if (fits(plan.fault) && --plan.in == 0 && !due) due = plan.fault;
  }
  std::erase_if(planned, [](const Planned& plan) { return plan.in == 0; });
  return due;
}

Status HarshFileSystem::World::EnterWhole(const Call& call, const std::string& path) {
  FEEDMILL_ASSIGN(std::optional<Fault> fault, Enter(call, path));
  if (!fault) return Ok();
  if (*fault == Fault::kNoSpace) return Io("{}: No space left on device", path);
  if (*fault == Fault::kTooManyOpenFiles) return Io("{}: Too many open files", path);
  return Io("{}: Input/output error", path);
}

HarshNodePtr HarshFileSystem::World::Find(const std::string& path) const {
  HarshNodePtr node = root;
  for (const std::string& name : SplitPath(path)) {
    if (!node->is_directory) return nullptr;
    auto found = node->entries.find(name);
    if (found == node->entries.end()) return nullptr;
    node = found->second;
  }
  return node;
}

Result<HarshNodePtr> HarshFileSystem::World::FindFile(const std::string& path) const {
  HarshNodePtr node = Find(path);
  if (!node) return NotFound("{}: No such file or directory", path);
  if (node->is_directory) return Io("{}: Is a directory", path);
  return node;
}

Result<HarshNodePtr> HarshFileSystem::World::FindDirectory(const std::string& path) const {
  HarshNodePtr node = Find(path);
  if (!node || !node->is_directory) return NotFound("{}: No such directory", path);
  return node;
}

Result<std::pair<HarshNodePtr, std::string>> HarshFileSystem::World::FindParent(const std::string& path) const {
  std::vector<std::string> names = SplitPath(path);
  if (names.empty()) return InvalidArgument("'{}': found no name, allowed a path to a file", path);
  HarshNodePtr node = root;
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    auto found = node->entries.find(names[i]);
    if (found == node->entries.end() || !found->second->is_directory) return NotFound("{}: No such directory", path);
    node = found->second;
  }
  return std::pair(node, names.back());
}

Result<HarshNodePtr> HarshFileSystem::World::OpenOrCreate(const std::string& path, bool truncate) {
  if (Find(path)) {
    FEEDMILL_ASSIGN(HarshNodePtr file, FindFile(path));
    if (!truncate) return file;
    file->bytes.cache.clear();
    file->bytes.dirty_from = 0;
    file->bytes.truncation_pending = true;
    return file;
  }
  FEEDMILL_ASSIGN(auto place, FindParent(path));
  auto file = std::make_shared<HarshNode>();
  Change({.directory = place.first, .name = place.second, .node = file, .old_directory = nullptr, .old_name = {}});
  return file;
}

void HarshFileSystem::World::Change(HarshEntryChange change) {
  if (change.old_directory) change.old_directory->entries.erase(change.old_name);
  if (change.node) {
    change.directory->entries[change.name] = change.node;
  } else {
    change.directory->entries.erase(change.name);
  }
  unsynced.push_back(std::move(change));
}

// The directory's changes reach the disk, and with each those it depends on.
void HarshFileSystem::World::SyncDirectory(const HarshNodePtr& directory) {
  std::vector<bool> landed(unsynced.size());
  for (const std::vector<size_t>& group : GroupChanges(unsynced)) {
    auto touches = [&](size_t i) FEEDMILL_REQUIRES(mutex) {
      return unsynced[i].directory == directory || unsynced[i].old_directory == directory;
    };
    auto last = std::find_if(group.rbegin(), group.rend(), touches);
    for (auto i = group.begin(); i != last.base(); ++i) {
      ApplyToDisk(unsynced[*i]);
      landed[*i] = true;
    }
  }
  size_t i = 0;
  std::erase_if(unsynced, [&](const HarshEntryChange&) { return landed[i++]; });
}

uint64_t HarshFileSystem::World::UsedBytes() const {
  uint64_t sum = 0;
  std::function<void(const HarshNode&)> add = [&](const HarshNode& node) {
    sum += node.bytes.cache.size();
    for (const auto& [name, child] : node.entries) add(*child);
  };
  add(*root);
  return sum;
}

std::shared_ptr<HarshFileSystem::World> HarshFileSystem::World::AfterCrash(uint64_t seed) const {
  Random fate(seed);
  auto after = std::make_shared<World>(HarshOptions{fate.Next(), options.capacity_bytes});
  after->mutex.AssertHeld();  // no other thread knows it yet
  // Nodes of the new world by those of the old: a file that two names stand for stays one file.
  std::map<const HarshNode*, HarshNodePtr> copies;
  std::function<HarshNodePtr(const HarshNodePtr&)> copy = [&](const HarshNodePtr& node) {
    HarshNodePtr& made = copies[node.get()];
    if (made) return made;
    HarshNodePtr fresh = made = std::make_shared<HarshNode>();
    fresh->is_directory = node->is_directory;
    fresh->bytes.durable = fresh->bytes.cache = node->bytes.AfterCrash(&fate);
    fresh->bytes.dirty_from = fresh->bytes.cache.size();
    for (const auto& [name, child] : node->on_disk) fresh->on_disk[name] = copy(child);
    return fresh;
  };
  after->root = copy(root);
  for (const std::vector<size_t>& group : GroupChanges(unsynced)) {
    size_t landed = fate.Chance(0.3) ? group.size() : fate.Below(group.size() + 1);
    for (size_t i = 0; i < landed; ++i) {
      HarshEntryChange change = unsynced[group[i]];
      change.directory = copy(change.directory);
      if (change.node) change.node = copy(change.node);
      if (change.old_directory) change.old_directory = copy(change.old_directory);
      ApplyToDisk(change);
    }
  }
  for (const auto& [old, fresh] : copies) fresh->entries = fresh->on_disk;
  return after;
}

}  // namespace feedmill::io
