// Who may send events: a key a source, given as Basic user name or in the body.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace feedmill::ingest {

struct WriteKey {
  std::string name;  // lands as write_source: "app", "import"
  std::string key;
  size_t event_bytes_max = 32 << 10;  // Segment's limits
  size_t batch_bytes_max = 500 << 10;
  bool bulk = false;  // imports: read behind everything else, slowed by 429 first
};

// Whose key it is, as somebody else knows who may write; `bulk` as in WriteKey.
struct Writer {
  std::string name;
  bool bulk = false;
};
using FindWriter = std::function<std::optional<Writer>(std::string_view key)>;

// Any thread.
class WriteKeys {
 public:
  // kInvalidArgument: no key, an empty or repeated name or key.
  static Result<WriteKeys> Make(std::vector<WriteKey> keys);
  // Whoever `find` knows may write, within the limits of `app`, or of `import` when in bulk.
  static WriteKeys Of(WriteKey app, WriteKey import, FindWriter find);

  // Null when no key is equal. Takes the same time for every wrong key of one length. What it points to stays as long
  // as this does, whatever becomes of the key.
  const WriteKey* Find(std::string_view key) const;
  // Of the strictest key: what a sender may have read before the key is known.
  size_t unknown_bytes_max() const;

 private:
  struct Asked {
    FindWriter find;
    Mutex mutex;
    // By name and `bulk`: as many as there ever were names.
    std::map<std::pair<std::string, bool>, WriteKey> known FEEDMILL_GUARDED_BY(mutex);
  };
  const WriteKey* Ask(std::string_view key) const;

  std::vector<WriteKey> keys_;  // with `asked_`: of limits alone, of an app and of imports
  std::unique_ptr<Asked> asked_;
};

// The user name of base64(user:password), the credentials of the Basic scheme; nothing when they are empty or not that.
std::optional<std::string> BasicUser(std::string_view credentials);

}  // namespace feedmill::ingest
