#include "access/keys.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/secret.h"

namespace feedmill::access {
namespace {

using meta::Row;
using meta::Transaction;
using meta::Value;

constexpr std::array<std::string_view, 4> kScopes = {"write", "import", "read", "admin"};
constexpr size_t kShownLetters = 4;
constexpr std::string_view kStands = "(ends_at = 0 OR ends_at > ?1)";

bool IsName(std::string_view name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= kKeyNameBytesMax && name[0] >= 'a' && name[0] <= 'z' &&
         std::ranges::all_of(name, good);
}

Result<KeyRow> ToKey(const Row& row) {
  KeyRow key;
  key.id = std::get<int64_t>(row[0]);
  key.name = std::get<std::string>(row[1]);
  const auto scope = std::ranges::find(kScopes, std::get<std::string>(row[2]));
  if (scope == kScopes.end())
    return Corrupt("access_key {}: found scope \"{}\"", key.name, std::get<std::string>(row[2]));
  key.scope = static_cast<Scope>(scope - kScopes.begin());
  key.hash = std::get<std::string>(row[3]);
  key.shown = std::get<std::string>(row[4]);
  key.created_at = std::get<int64_t>(row[5]);
  key.ends_at = std::get<int64_t>(row[6]);
  key.used_at = std::get<int64_t>(row[7]);
  return key;
}

Result<std::vector<KeyRow>> Select(Transaction& transaction, std::string_view rest, const std::vector<Value>& values) {
  FEEDMILL_ASSIGN(const auto rows,
                  transaction.Query(fmt::format("SELECT id, name, scope, hash, shown, created_at, ends_at, used_at "
                                                "FROM access_key {}",
                                                rest),
                                    values));
  std::vector<KeyRow> keys;
  for (const Row& row : rows) {
    FEEDMILL_ASSIGN(KeyRow key, ToKey(row));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::vector<KeyRow>> Standing(Transaction& transaction, const std::string& name, Micros now) {
  return Select(transaction, fmt::format("WHERE {} AND name = ?2 ORDER BY id DESC", kStands), {now, name});
}

Status CheckRoom(Transaction& transaction, Micros now) {
  FEEDMILL_ASSIGN(const auto count,
                  transaction.Query(fmt::format("SELECT COUNT(DISTINCT name) FROM access_key WHERE {}", kStands),
                                    std::vector<Value>{now}));
  if (std::get<int64_t>(count.front().front()) < static_cast<int64_t>(kKeysMax)) return Ok();
  return ResourceExhausted("there are {} keys, which is as many as may be; revoke some first", kKeysMax);
}

// Those of the name end at `end`, if not before.
Status EndFormer(Transaction& transaction, const std::string& name, Micros end, Micros now) {
  FEEDMILL_TRY(transaction.Execute(
      fmt::format("UPDATE access_key SET ends_at = ?3 WHERE {} AND name = ?2 AND (ends_at = 0 OR ends_at > ?3)",
                  kStands),
      std::vector<Value>{now, name, std::max(end, now)}));
  return Ok();
}

Status Insert(Transaction& transaction, std::string_view secret, const NewKey& key, Micros now) {
  const std::vector<Value> values = {key.name,
                                     std::string(ScopeName(key.scope)),
                                     Sha256Hex(secret),
                                     std::string(secret.substr(0, kShownLetters)),
                                     now,
                                     key.ends_at};
  FEEDMILL_TRY(transaction.Execute(
      "INSERT INTO access_key (name, scope, hash, shown, created_at, ends_at, used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
      "0) ON CONFLICT (hash) DO UPDATE SET ends_at = ?6",
      values));
  return Ok();
}

}  // namespace

std::string_view ScopeName(Scope scope) { return kScopes[static_cast<size_t>(scope)]; }

std::vector<meta::Migration> AccessMigrations() {
  return {{"access/001_keys",
           "CREATE TABLE access_key (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, scope TEXT NOT NULL, "
           "hash TEXT NOT NULL UNIQUE, shown TEXT NOT NULL, created_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, "
           "used_at INTEGER NOT NULL);\n"
           "CREATE INDEX access_key_by_name ON access_key (name);\n"}};
}

Result<std::string> AddKey(meta::Store& store, const NewKey& key, Micros now) {
  if (!IsName(key.name)) {
    return InvalidArgument(
        "found the name \"{}\", allowed: small letters, digits, _ and -, 64 at most, that begin with a letter",
        key.name);
  }
  if (key.ends_at != 0 && key.ends_at <= now) return InvalidArgument("{}: its end lies in the past", key.name);
  std::string secret = NewSecret();
  FEEDMILL_TRY(store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(const auto standing, Standing(transaction, key.name, now));
    if (!standing.empty()) {
      return AlreadyExists("there is a key of the name \"{}\"; `feedmill key rotate {}` makes another one of it",
                           key.name, key.name);
    }
    FEEDMILL_TRY(CheckRoom(transaction, now));
    return Insert(transaction, secret, key, now);
  }));
  return secret;
}

Status KeepKey(Transaction& transaction, std::string_view secret, const NewKey& key, Micros now) {
  FEEDMILL_TRY(EndFormer(transaction, key.name, key.ends_at, now));
  return key.ends_at > now ? Insert(transaction, secret, key, now) : Ok();
}

Result<std::string> RotateKey(meta::Store& store, const std::string& name, Micros former_end, Micros now) {
  std::string secret = NewSecret();
  FEEDMILL_TRY(store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(const auto standing, Standing(transaction, name, now));
    if (standing.empty()) return NotFound("there is no key of the name \"{}\"", name);
    const KeyRow& newest = standing.front();
    FEEDMILL_TRY(EndFormer(transaction, name, former_end, now));
    const Micros ends_at = newest.ends_at == 0 ? 0 : now + (newest.ends_at - newest.created_at);
    return Insert(transaction, secret, {name, newest.scope, ends_at}, now);
  }));
  return secret;
}

Status RevokeKeys(meta::Store& store, const std::string& name, Micros now) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(
        const int64_t ended,
        transaction.Execute(fmt::format("UPDATE access_key SET ends_at = ?1 WHERE {} AND name = ?2", kStands),
                            std::vector<Value>{now, name}));
    return ended > 0 ? Ok() : Status(NotFound("there is no key of the name \"{}\"", name));
  });
}

Result<std::vector<KeyRow>> ListKeys(meta::Store& store, Micros now) {
  std::vector<KeyRow> keys;
  FEEDMILL_TRY(store.Read([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(
        keys, Select(transaction, "WHERE ends_at = 0 OR ends_at > ?1 ORDER BY name, id DESC", {now - kEndedKept}));
    return Ok();
  }));
  return keys;
}

Status ForgetEndedKeys(meta::Store& store, Micros now) {
  return store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(transaction.Execute("DELETE FROM access_key WHERE ends_at <> 0 AND ends_at <= ?1",
                                     std::vector<Value>{now - kEndedKept}));
    return Ok();
  });
}

Status NoteUses(meta::Store& store, const std::vector<std::pair<int64_t, Micros>>& uses) {
  return store.Write([&](Transaction& transaction) -> Status {
    for (const auto& [id, time] : uses) {
      FEEDMILL_TRY(transaction.Execute("UPDATE access_key SET used_at = MAX(used_at, ?2) WHERE id = ?1",
                                       std::vector<Value>{id, time}));
    }
    return Ok();
  });
}

}  // namespace feedmill::access
