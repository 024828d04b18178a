#include "query/whole_parquet.h"

#include "io/file_system.h"
#include "query/session_internal.h"

namespace feedmill::query {
namespace {

constexpr uint64_t kMemoryBytes = 1ull << 30;  // a row group at a time

Status ReadWhole(DuckSession& session, const std::string& path) {
  FEEDMILL_TRY(io::PosixFileSystem().FileSize(path));
  FEEDMILL_ASSIGN(const std::string files, FileList({path}));
  const Status read =
      session.StreamAll(fmt::format("SELECT * FROM read_parquet({}, hive_partitioning = false)", files));
  if (read || read.error().kind() == ErrorKind::kResourceExhausted) return read;
  return Corrupt("{} cannot be read: {}", path, read.error().message());
}

}  // namespace

Status ReadWholeParquet(const std::vector<std::string>& paths, const std::string& temporary_directory) {
  EngineOptions options;
  options.temporary_directory = temporary_directory;
  options.memory_bytes_max = kMemoryBytes;
  options.threads = 1;
  FEEDMILL_ASSIGN(const auto engine, OpenEngine(options));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  for (const std::string& path : paths) FEEDMILL_TRY(ReadWhole(static_cast<DuckSession&>(*session), path));
  return Ok();
}

}  // namespace feedmill::query
