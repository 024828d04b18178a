#include "meta/store.h"

#include <atomic>
#include <filesystem>
#include <thread>
#include <unistd.h>
#include <utility>

#include "base/mutex.h"
#include "io/file_system.h"
#include "meta/migrate.h"
#include "meta/sqlite_connection.h"
#include "meta/store_file.h"

namespace feedmill::meta {
namespace {

// Read connections kept open for the next reader; more readers at once open more, which are closed afterwards.
constexpr size_t kIdleReadersMax = 8;

// One connection writes under a mutex, so that threads of this process queue fairly here instead of polling SQLite's
// lock; readers have connections of their own and, with write-ahead logging, never wait for the writer.
class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, std::unique_ptr<SqliteConnection> writer)
      : path_(std::move(path)), writer_(std::move(writer)) {}

  Status Write(const std::function<Status(Transaction&)>& body) override {
    if (writing_thread_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
      return Internal("{}: Store::Write called from inside Store::Write of the same thread", path_);
    }
    MutexLock lock(writer_mutex_);
    writing_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    Status outcome = RunInTransaction(*writer_, "BEGIN IMMEDIATE", body);
    writing_thread_.store(std::thread::id(), std::memory_order_relaxed);
    return outcome;
  }

  Status Read(const std::function<Status(Transaction&)>& body) override {
    FEEDMILL_ASSIGN(auto reader, TakeReader());
    Status outcome = RunInTransaction(*reader, "BEGIN", body);
    ReturnReader(std::move(reader));
    return outcome;
  }

 private:
  static Status RunInTransaction(SqliteConnection& connection, std::string_view begin,
                                 const std::function<Status(Transaction&)>& body) {
    if (auto begun = connection.Execute(begin, {}); !begun) return std::unexpected(begun.error());
    Status outcome = body(connection);
    if (outcome) {
      if (auto ended = connection.Execute("COMMIT", {}); !ended) outcome = std::unexpected(ended.error());
    }
    if (!outcome) connection.Rollback();
    return outcome;
  }

  Result<std::unique_ptr<SqliteConnection>> TakeReader() {
    {
      MutexLock lock(readers_mutex_);
      if (!idle_readers_.empty()) {
        auto reader = std::move(idle_readers_.back());
        idle_readers_.pop_back();
        return reader;
      }
    }
    return SqliteConnection::Open(path_, Access::kReadOnly);
  }

  void ReturnReader(std::unique_ptr<SqliteConnection> reader) {
    MutexLock lock(readers_mutex_);
    if (idle_readers_.size() < kIdleReadersMax) idle_readers_.push_back(std::move(reader));
  }

  const std::string path_;
  Mutex writer_mutex_;
  std::unique_ptr<SqliteConnection> writer_ FEEDMILL_GUARDED_BY(writer_mutex_);
  std::atomic<std::thread::id> writing_thread_{};
  Mutex readers_mutex_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_readers_ FEEDMILL_GUARDED_BY(readers_mutex_);
};

Result<std::unique_ptr<Store>> Open(const std::string& path, std::span<const Migration> migrations, Rooms rooms) {
  FEEDMILL_ASSIGN(auto writer, SqliteConnection::Open(path, Access::kReadWrite));
  auto store = std::make_unique<SqliteStore>(path, std::move(writer));
  FEEDMILL_TRY(Migrate(*store, path, migrations, rooms));
  return store;
}

}  // namespace

Result<std::unique_ptr<Store>> OpenStore(const std::string& path, std::span<const Migration> migrations) {
  return Open(path, migrations, Rooms::kSome);
}

Result<std::unique_ptr<Store>> OpenWholeStore(const std::string& path, std::span<const Migration> migrations) {
  return Open(path, migrations, Rooms::kAll);
}

namespace {

// Nobody writes where nothing can be written, and SQLite needs to write even to read.
Status CopyUnchanging(const std::string& from, const std::string& to) {
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    if (*suffix != 0 && !std::filesystem::exists(from + suffix, error)) continue;
    if (!std::filesystem::copy_file(from + suffix, to + suffix, error))
      return Io("copy {}{} to {}{}: {}", from, suffix, to, suffix, error.message());
    std::filesystem::permissions(to + suffix, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
                                 error);
    FEEDMILL_TRY(io::PosixFileSystem().SyncFile(to + suffix));
  }
  return io::PosixFileSystem().SyncDirectory(to.substr(0, to.rfind('/')));
}

}  // namespace

Status CopyStore(const std::string& from, const std::string& to) {
  if (::access(from.substr(0, from.rfind('/')).c_str(), W_OK) != 0) return CopyUnchanging(from, to);
  FEEDMILL_ASSIGN(const auto reader, SqliteConnection::Open(from, Access::kReadOnly));
  const Value target[] = {to};
  FEEDMILL_TRY(reader->Execute("PRAGMA query_only = OFF", {}));
  FEEDMILL_TRY(reader->Execute("VACUUM INTO ?1", target));
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_TRY(files.SyncFile(to));
  return files.SyncDirectory(to.substr(0, to.rfind('/')));
}

Result<bool> SettleStore(Store& store) {
  std::string path;
  FEEDMILL_TRY(store.Read([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(const auto rows, transaction.Query("SELECT file FROM pragma_database_list WHERE name = 'main'"));
    path = std::get<std::string>(rows.at(0).at(0));
    return Ok();
  }));
  FEEDMILL_ASSIGN(const auto connection, SqliteConnection::Open(path, Access::kReadWrite));
  FEEDMILL_ASSIGN(const auto told, connection->Query("PRAGMA wal_checkpoint(PASSIVE)", {}));
  const Row& row = told.at(0);  // busy, pages in the log, pages brought over
  return row.at(0) == Value(int64_t{0}) && row.at(1) == row.at(2);
}

Status CheckStore(const std::string& path) {
  FEEDMILL_ASSIGN(const auto reader, SqliteConnection::Open(path, Access::kReadOnly));
  FEEDMILL_ASSIGN(const auto found, reader->Query("PRAGMA quick_check(1)", {}));
  if (found.size() == 1 && found[0][0] == Value(std::string("ok"))) return Ok();
  const bool told = !found.empty() && std::holds_alternative<std::string>(found[0][0]);
  return Corrupt("{}: {}", path, told ? std::get<std::string>(found[0][0]) : "SQLite's check of it says nothing");
}

}  // namespace feedmill::meta
