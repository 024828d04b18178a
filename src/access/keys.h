// Keys as rows of the metadata store. A key itself is shown once, when it is made; what is kept is its SHA-256, which
// is enough for 32 random letters.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "meta/store.h"

namespace feedmill::access {

inline constexpr size_t kKeysMax = 1'000;  // names with one that is not ended
inline constexpr size_t kKeyNameBytesMax = 64;
inline constexpr Micros kEndedKept = 30 * kMicrosPerDay;  // how long a list tells of a key that ended

// What a key opens: events of the app; the same in bulk; feeds, items and users; console and administration.
enum class Scope { kWrite, kImport, kRead, kAdmin };
std::string_view ScopeName(Scope scope);  // "write", "import", "read", "admin"

struct KeyRow {
  int64_t id = 0;
  std::string name;  // of whoever has it
  Scope scope = Scope::kWrite;
  std::string hash;   // SHA-256 of the key, hexadecimal
  std::string shown;  // its first letters
  Micros created_at = 0;
  Micros ends_at = 0;  // 0: never
  Micros used_at = 0;  // about; 0: never
  bool EndedBy(Micros now) const { return ends_at != 0 && ends_at <= now; }
};

struct NewKey {
  std::string name;
  Scope scope = Scope::kWrite;
  Micros ends_at = 0;  // 0: never
};

std::vector<meta::Migration> AccessMigrations();

// The key. kInvalidArgument for a name that is none; kAlreadyExists for one that has a key already; kResourceExhausted.
Result<std::string> AddKey(meta::Store& store, const NewKey& key, Micros now);
// Lets a key that is known count as one of that name and scope until its end, as when it was one of secrets/keys.toml;
// others of that name end no later.
Status KeepKey(meta::Transaction& transaction, std::string_view secret, const NewKey& key, Micros now);
// A new key under a name that has one, for as long as the newest was made for; the former ones end at `former_end`.
// kNotFound.
Result<std::string> RotateKey(meta::Store& store, const std::string& name, Micros former_end, Micros now);
// Ends all keys of a name. kNotFound when none stands.
Status RevokeKeys(meta::Store& store, const std::string& name, Micros now);
// Those that stand and those that ended lately, by name, the newest first.
Result<std::vector<KeyRow>> ListKeys(meta::Store& store, Micros now);
Status ForgetEndedKeys(meta::Store& store, Micros now);
// About when keys were used last, by id.
Status NoteUses(meta::Store& store, const std::vector<std::pair<int64_t, Micros>>& uses);

}  // namespace feedmill::access
