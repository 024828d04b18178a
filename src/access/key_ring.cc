#include "access/key_ring.h"

#include <algorithm>

#include "base/hash.h"
#include "base/log.h"

namespace feedmill::access {
namespace {

constexpr Micros kNotedEvery = kMicrosPerMinute;  // a use of a key

}  // namespace

KeyRing::KeyRing(meta::Store& store, const Clock& clock, ReadFileKeys read_file)
    : store_(store), clock_(clock), read_file_(std::move(read_file)), entries_(std::make_shared<const Entries>()) {}

Result<std::unique_ptr<KeyRing>> KeyRing::Open(meta::Store& store, const Clock& clock, ReadFileKeys read_file) {
  std::unique_ptr<KeyRing> ring(new KeyRing(store, clock, std::move(read_file)));
  FEEDMILL_TRY(ForgetEndedKeys(store, clock.Now()));
  FEEDMILL_TRY(ring->Refresh());
  return ring;
}

KeyRing::~KeyRing() {
  {
    const MutexLock lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  const Status noted = NoteUses();
  if (!noted) log::Warn("when keys were used last is not noted", {{"error", noted.error().message()}});
}

void KeyRing::Follow(Micros interval) {
  thread_ = std::thread([this, interval] { Run(interval); });
}

void KeyRing::Run(Micros interval) {
  bool good = true;
  MutexLock lock(stop_mutex_);
  while (!stop_.WaitFor(stop_mutex_, interval, [this]() FEEDMILL_REQUIRES(stop_mutex_) { return stopping_; })) {
    lock.Unlock();
    Status refreshed = Refresh();
    if (refreshed) refreshed = NoteUses();
    if (!refreshed && good) log::Warn("keys cannot be read again", {{"error", refreshed.error().message()}});
    good = refreshed.has_value();
    lock.Lock();
  }
}

std::shared_ptr<const KeyRing::Entries> KeyRing::Now() const {
  const MutexLock lock(mutex_);
  return entries_;
}

Status KeyRing::Refresh() {
  const MutexLock one(refresh_mutex_);
  FEEDMILL_ASSIGN(auto file_keys, read_file_());
  FEEDMILL_ASSIGN(const auto rows, ListKeys(store_, clock_.Now()));
  const std::shared_ptr<const Entries> former = Now();
  auto fresh = std::make_shared<Entries>();
  const auto add = [&](const std::string& hash, const Principal& principal, int64_t id, Micros ends_at,
                       Micros used_at) {
    const auto known = former->find(hash);
    auto entry = std::make_shared<Entry>();
    entry->principal = principal;
    entry->id = id;
    entry->ends_at = ends_at;
    entry->noted_at = used_at;
    entry->used_at = known == former->end() ? used_at : std::max(used_at, known->second->used_at.load());
    (*fresh)[hash] = std::move(entry);
  };
  for (const KeyRow& row : rows) add(row.hash, {row.name, row.scope}, row.id, row.ends_at, row.used_at);
  for (const FileKey& key : file_keys) {  // over a row: the file is the project's own
    if (!key.secret.empty()) add(Sha256Hex(key.secret), key.principal, 0, 0, 0);
  }
  const MutexLock lock(mutex_);
  entries_ = std::move(fresh);
  file_keys_ = std::move(file_keys);
  return Ok();
}

Status KeyRing::NoteUses() {
  const MutexLock one(refresh_mutex_);
  std::vector<std::pair<int64_t, Micros>> uses;
  const auto entries = Now();
  for (const auto& [hash, entry] : *entries) {
    const Micros used = entry->used_at.load(std::memory_order_relaxed);
    if (entry->id == 0 || used < entry->noted_at + kNotedEvery) continue;
    uses.emplace_back(entry->id, used);
    entry->noted_at = used;
  }
  return uses.empty() ? Ok() : access::NoteUses(store_, uses);
}

// The key is looked for by its hash, so how long that takes tells nothing of other keys.
std::optional<Principal> KeyRing::Find(std::string_view secret) const {
  if (secret.empty()) return std::nullopt;
  const auto entries = Now();
  const auto found = entries->find(Sha256Hex(secret));
  if (found == entries->end()) return std::nullopt;
  Entry& entry = *found->second;
  const Micros now = clock_.Now();
  if (entry.ends_at != 0 && entry.ends_at <= now) return std::nullopt;
  if (entry.id != 0) entry.used_at.store(now, std::memory_order_relaxed);
  return entry.principal;
}

bool KeyRing::Opens(std::string_view secret, Scope scope) const {
  const auto principal = Find(secret);
  return principal && principal->scope == scope;
}

std::string KeyRing::FileSecret(Scope scope) const {
  const MutexLock lock(mutex_);
  const auto found = std::ranges::find(file_keys_, scope, [](const FileKey& key) { return key.principal.scope; });
  return found == file_keys_.end() ? std::string() : found->secret;
}

}  // namespace feedmill::access
