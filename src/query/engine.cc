#include "query/engine.h"

#include <array>

#include "io/file_system.h"
#include "query/session_internal.h"
#include "query/sql_error.h"

namespace feedmill::query {
namespace {

class DuckEngine final : public Engine {
 public:
  explicit DuckEngine(std::shared_ptr<Database> database) : database_(std::move(database)) {}
  Result<std::unique_ptr<Session>> NewSession() override { return DuckSession::Connect(database_); }

 private:
  std::shared_ptr<Database> database_;
};

using Setting = std::pair<const char*, std::string>;

std::vector<Setting> SettingsOf(const EngineOptions& options, const std::string& spill_folder) {
  return {
      {"memory_limit", fmt::format("{}B", options.memory_bytes_max)},
      {"temp_directory", spill_folder},
      {"max_temp_directory_size", fmt::format("{}B", options.temporary_bytes_max)},
      {"threads", std::to_string(options.threads)},
      // Whatever has an order says so with ORDER BY; without the promise big COPY and joins need far less memory.
      {"preserve_insertion_order", "false"},
      // What we use (parquet, json, icu, core_functions) is linked into the library; nothing is ever fetched.
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
  };
}

Status CheckOptions(const EngineOptions& options) {
  constexpr uint64_t kMemoryBytesMin = 64ull << 20;
  if (options.temporary_directory.empty())
    return InvalidArgument("query engine: temporary_directory is empty; name a folder");
  if (options.threads < 1) return InvalidArgument("query engine: threads is {}; allowed: 1 or more", options.threads);
  if (options.memory_bytes_max < kMemoryBytesMin) {
    return InvalidArgument("query engine: memory_bytes_max is {}; allowed: {} or more", options.memory_bytes_max,
                           kMemoryBytesMin);
  }
  return Ok();
}

Status FillConfig(duckdb_config config, const EngineOptions& options, const std::string& spill_folder) {
  for (const auto& [name, value] : SettingsOf(options, spill_folder)) {
    if (duckdb_set_config(config, name, value.c_str()) != DuckDBSuccess) {
      return Internal("query engine: DuckDB refuses setting {} = '{}'", name, value);
    }
  }
  return Ok();
}

}  // namespace

Result<std::unique_ptr<Engine>> OpenEngine(const EngineOptions& options) {
  FEEDMILL_TRY(CheckOptions(options));
  auto database = std::make_shared<Database>();
  FEEDMILL_ASSIGN(database->spill, SpillFolder::Make(options.temporary_directory));
  OwnedConfig config;
  if (duckdb_create_config(config.out()) != DuckDBSuccess) return Internal("query engine: no DuckDB configuration");
  FEEDMILL_TRY(FillConfig(config.get(), options, database->spill.path()));
  char* message = nullptr;
  if (duckdb_open_ext(nullptr, database->handle.out(), config.get(), &message) != DuckDBSuccess) {
    Error error = SqlError(message == nullptr ? "unknown error" : message, "", 0);
    duckdb_free(message);
    return std::unexpected(error.WithContext("query engine"));
  }
  database->temporary_directory = options.temporary_directory;
  FEEDMILL_ASSIGN(const auto session, DuckSession::Connect(database));
  FEEDMILL_TRY(RegisterRowPipes(session->connection(), &database->pipes));
  return std::make_unique<DuckEngine>(std::move(database));
}

}  // namespace feedmill::query
