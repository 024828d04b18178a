#include "query/confined_engine.h"

#include <filesystem>

#include "query/session_internal.h"

namespace feedmill::query {

Result<std::unique_ptr<Engine>> OpenConfinedEngine(const EngineOptions& options,
                                                   const std::vector<std::string>& folders) {
  std::string list;
  for (const std::string& folder : folders) {
    const std::string absolute = std::filesystem::weakly_canonical(folder).string();
    list += fmt::format("{}{}", list.empty() ? "" : ", ", QuoteText(absolute + "/"));
  }
  FEEDMILL_ASSIGN(auto engine, OpenEngine(options));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  FEEDMILL_TRY(session->Execute(fmt::format("SET GLOBAL allowed_directories = [{}]", list)));
  FEEDMILL_TRY(session->Execute("SET GLOBAL enable_external_access = false"));
  return engine;
}

void Interrupt(Session& session) { duckdb_interrupt(static_cast<DuckSession&>(session).connection()); }

}  // namespace feedmill::query
