// All keys that stand, in memory: those of secrets/keys.toml and those of the metadata store.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "access/keys.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace feedmill::access {

struct Principal {
  std::string name;  // events land with it as their write_source
  Scope scope = Scope::kWrite;
};

// A key that stands in a file.
struct FileKey {
  std::string secret;
  Principal principal;
};
using ReadFileKeys = std::function<Result<std::vector<FileKey>>()>;

class KeyRing {
 public:
  // Reads all keys. `store` and `clock` outlive it.
  static Result<std::unique_ptr<KeyRing>> Open(meta::Store& store, const Clock& clock, ReadFileKeys read_file);
  ~KeyRing();

  // Reads them again every so often, on a thread of its own, until the end. Call it once.
  void Follow(Micros interval);
  // Reads them again. After an error all is as it was: who was let in is let in until the keys can be read, or end.
  Status Refresh();

  // Any thread. Nothing for a key that is unknown or has ended.
  std::optional<Principal> Find(std::string_view secret) const;
  bool Opens(std::string_view secret, Scope scope) const;
  // The file's key of that scope as it stands now; empty when there is none.
  std::string FileSecret(Scope scope) const;

 private:
  struct Entry {
    Principal principal;
    int64_t id = 0;  // 0: of the file
    Micros ends_at = 0;
    std::atomic<Micros> used_at{0};
    Micros noted_at = 0;  // of used_at, in the store
  };
  using Entries = std::unordered_map<std::string, std::shared_ptr<Entry>>;  // by hash

  KeyRing(meta::Store& store, const Clock& clock, ReadFileKeys read_file);
  std::shared_ptr<const Entries> Now() const;
  void Run(Micros interval);
  Status NoteUses();

  meta::Store& store_;
  const Clock& clock_;
  const ReadFileKeys read_file_;
  mutable Mutex mutex_;
  std::shared_ptr<const Entries> entries_ FEEDMILL_GUARDED_BY(mutex_);
  std::vector<FileKey> file_keys_ FEEDMILL_GUARDED_BY(mutex_);
  Mutex refresh_mutex_;
  Mutex stop_mutex_;
  CondVar stop_;
  bool stopping_ FEEDMILL_GUARDED_BY(stop_mutex_) = false;
  std::thread thread_;
};

}  // namespace feedmill::access
