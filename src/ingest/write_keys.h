// Who may send events: a key a source, given as Basic user name or in the body.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace feedmill::ingest {

struct WriteKey {
  std::string name;  // lands as write_source: "app", "import"
  std::string key;
  size_t event_bytes_max = 32 << 10;  // Segment's limits
  size_t batch_bytes_max = 500 << 10;
  bool bulk = false;  // imports: read behind everything else, slowed by 429 first
};

// Immutable: any thread.
class WriteKeys {
 public:
  // kInvalidArgument: no key, an empty or repeated name or key.
  static Result<WriteKeys> Make(std::vector<WriteKey> keys);

  // Null when no key is equal. Takes the same time for every wrong key of one length.
  const WriteKey* Find(std::string_view key) const;
  // Of the strictest key: what a sender may have read before the key is known.
  size_t unknown_bytes_max() const;

 private:
  std::vector<WriteKey> keys_;
};

// The user name of base64(user:password), the credentials of the Basic scheme; nothing when they are empty or not that.
std::optional<std::string> BasicUser(std::string_view credentials);

}  // namespace feedmill::ingest
