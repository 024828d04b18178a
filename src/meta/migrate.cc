#include "meta/migrate.h"

#include <set>

#include <sqlite3.h>
#include "base/hash.h"

namespace feedmill::meta {
namespace {

constexpr std::string_view kCreateRecord =
    "CREATE TABLE IF NOT EXISTS meta_migration (name TEXT PRIMARY KEY, text_hash TEXT NOT NULL, applied_at INTEGER NOT "
    "NULL) "
    "WITHOUT ROWID";

Status ApplyOne(Transaction& transaction, std::string_view path, const Migration& migration) {
  const std::string hash = Sha256Hex(migration.sql);
  const Value name[] = {migration.name};
  FEEDMILL_ASSIGN(auto recorded, transaction.Query("SELECT text_hash FROM meta_migration WHERE name = ?1", name));
  if (!recorded.empty()) {
    if (recorded[0][0] == Value(hash)) return Ok();
    return Corrupt(
        "{}: migration '{}' was applied with another text than this program has; an applied migration must not "
        "change, add a new one instead",
        path, migration.name);
  }
  for (std::string_view statement : SplitStatements(migration.sql)) {
    if (auto done = transaction.Execute(statement); !done) {
      return std::unexpected(done.error().WithContext(fmt::format("migration '{}'", migration.name)));
    }
  }
  const Value record[] = {migration.name, hash};
  auto written = transaction.Execute("INSERT INTO meta_migration VALUES (?1, ?2, unixepoch())", record);
  return written ? Ok() : Status(std::unexpected(written.error()));
}

// The part of a migration's name before the slash.
std::string_view RoomOf(std::string_view name) { return name.substr(0, name.find('/')); }

Status RefuseNewer(Transaction& transaction, std::string_view path, std::span<const Migration> migrations,
                   Rooms rooms) {
  std::set<std::string_view> names, own_rooms;
  for (const Migration& migration : migrations) {
    names.insert(migration.name);
    own_rooms.insert(RoomOf(migration.name));
  }
  FEEDMILL_ASSIGN(const auto recorded, transaction.Query("SELECT name FROM meta_migration ORDER BY name"));
  for (const Row& row : recorded) {
    const auto& name = std::get<std::string>(row[0]);
    if (names.contains(name) || (rooms == Rooms::kSome && !own_rooms.contains(RoomOf(name)))) continue;
    return InvalidArgument(
        "{}: a newer feedmill has changed this data folder (migration '{}', which this program does not know); use "
        "that version again, or restore a backup made before it",
        path, name);
  }
  return Ok();
}

}  // namespace

std::vector<std::string_view> SplitStatements(std::string_view script) {
  std::vector<std::string_view> statements;
  size_t start = 0;
  for (size_t at = script.find(';'); at != std::string_view::npos; at = script.find(';', at + 1)) {
    // SQLite itself says whether the text up to this semicolon is whole.
    const std::string candidate(script.substr(start, at + 1 - start));
    if (sqlite3_complete(candidate.c_str()) == 0) continue;
    statements.push_back(script.substr(start, at + 1 - start));
    start = at + 1;
  }
  if (script.find_first_not_of(" \t\r\n", start) != std::string_view::npos) statements.push_back(script.substr(start));
  return statements;
}

Status Migrate(Store& store, std::string_view path, std::span<const Migration> migrations, Rooms rooms) {
  FEEDMILL_TRY(store.Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(transaction.Execute(kCreateRecord));
    return RefuseNewer(transaction, path, migrations, rooms);
  }));
  std::set<std::string_view> names;
  for (const Migration& migration : migrations) {
    if (!names.insert(migration.name).second) {
      return InvalidArgument("{}: migration '{}' is given twice; names are unique over all rooms", path,
                             migration.name);
    }
    FEEDMILL_TRY(store.Write([&](Transaction& transaction) { return ApplyOne(transaction, path, migration); }));
  }
  return Ok();
}

}  // namespace feedmill::meta
