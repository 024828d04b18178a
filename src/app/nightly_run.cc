#include "app/nightly_run.h"

#include <chrono>
#include <thread>

#include <nlohmann/json.hpp>

#include "app/offline_landing.h"
#include "app/project_domain.h"
#include "app/project_tables.h"
#include "app/stop_signal.h"
#include "base/deadline.h"
#include "base/log.h"
#include "base/time_text.h"
#include "cli/admin_client.h"
#include "cli/running_server.h"
#include "ingest/event_tables.h"
#include "warehouse/interval_store.h"

namespace feedmill::app {
namespace {

constexpr Micros kLandTime = 15 * kMicrosPerMinute;
constexpr Micros kServerPatience = 5 * kMicrosPerMinute;  // with one that starts, stops or is killed again and again
constexpr Micros kServerPreferred = kMicrosPerMinute;     // before this process lands in a gap between two of them
constexpr Micros kReturnTime = 5 * kMicrosPerSecond;      // for one that was killed
constexpr auto kServerPause = std::chrono::milliseconds(200);
constexpr auto kGapPause = std::chrono::milliseconds(5);  // less than a server takes until it has the folder

Result<cli::AdminClient> AdminOf(const Config& config, const std::string& url) {
  cli::Connection connection;
  connection.url = url;
  connection.project = config.paths.project;
  FEEDMILL_TRY(cli::FillKeys(&connection));
  return cli::AdminClient::Make(connection);
}

Status AskServer(const Config& config, const std::string& url) {
  FEEDMILL_ASSIGN(cli::AdminClient client, AdminOf(config, url));
  const auto landed = client.Call("POST", "land", "", kLandTime);
  if (landed) return Ok();
  return std::unexpected(landed.error().WithContext(
      "what the server has accepted could not be brought into the lake first, and a run must not leave it out"));
}

// A clock that is driven or shifted is the server's alone.
Result<Micros> NowOf(const NightlyArguments& arguments, const Nightly& nightly) {
  if (nightly.config.clock.source == ClockSource::kSystem) return nightly.clock.Now();
  const auto server = cli::FindRunningServer(nightly.config.paths.data);
  const std::string url = arguments.url.empty() && server ? server->url : arguments.url;
  if (url.empty()) {
    return InvalidArgument(
        "the project's clock is its server's (clock.source), and none runs: say the cut with --until");
  }
  FEEDMILL_ASSIGN(cli::AdminClient client, AdminOf(nightly.config, url));
  FEEDMILL_ASSIGN(const std::string answer, client.Call("GET", "clock", ""));
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  if (!json.is_object() || !json.contains("now") || !json["now"].is_string())
    return Unavailable("{}: /v1/admin/clock answered {}", url, answer.substr(0, 200));
  return ParseTime(json["now"].get<std::string>());
}

Status LandHere(const Config& config) {
  FEEDMILL_ASSIGN(const DataFolderLock lock, DataFolderLock::Take(config.paths.data));
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const auto landing, OfflineLanding::Open(config, folder, clock));
  return landing->LandAll();
}

// Also one that only starts: it has the folder already.
bool ServerIsThere(const std::string& data_folder) {
  return cli::FindRunningServer(data_folder) || !DataFolderLock::Take(data_folder);
}

// Whoever lands here keeps a server that comes back from starting: with `may_return` one that was killed is left time.
Status LandOnce(const Config& config, bool may_return) {
  const auto server = cli::FindRunningServer(config.paths.data);
  if (server) return AskServer(config, server->url);
  if (may_return && cli::ServerWasKilled(config.paths.data)) return Unavailable("the server was killed");
  const Status landed = LandHere(config);
  // Somebody started a server in between, or one that does not say where it is.
  if (landed || landed.error().kind() != ErrorKind::kUnavailable) return landed;
  return AskServer(config, "");
}

// What would make wrong tables without a word. A SELECT that cannot run is its step's to say: others go on.
Status CheckProject(query::Session& session, Nightly* nightly) {
  io::FileSystem& files = io::PosixFileSystem();
  const ProjectPaths& paths = nightly->config.paths;
  FEEDMILL_ASSIGN(const auto domain, domain::LoadDomain(files, paths.Domain()));
  FEEDMILL_ASSIGN(const auto plan, ingest::TrackingPlan::Load(files, paths.Events()));
  FEEDMILL_TRY(CheckDomain(domain, *plan, paths));
  FEEDMILL_ASSIGN(nightly->columns, DescribeTables(nightly->project, *plan, nightly->folder.catalog.get(), session));
  FEEDMILL_ASSIGN(const auto set, features::LoadFeatureSet(files, paths.Features(), domain));
  return CheckColumnsRead(nightly->project, nightly->columns, set);
}

}  // namespace

Result<bool> AnythingBefore(const Nightly& nightly, Micros time) {
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(nightly.config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  const std::string table(ingest::kEventTable);
  const Status registered =
      session->RegisterTable(*nightly.folder.catalog, table, {{"event_time", std::nullopt, time}});
  if (!registered && registered.error().kind() == ErrorKind::kNotFound) return false;
  FEEDMILL_TRY(registered);
  FEEDMILL_ASSIGN(const query::Rows rows,
                  session->Query(fmt::format("SELECT 1 FROM {} WHERE event_time < TIMESTAMPTZ '{}' LIMIT 1",
                                             table.substr(table.find('.') + 1), FormatTime(time))));
  return !rows.rows.empty();
}

Status OpenNightly(const NightlyArguments& arguments, Nightly* nightly) {
  FEEDMILL_ASSIGN(nightly->config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, nightly->config.logging.format);
  FEEDMILL_ASSIGN(nightly->folder, OpenDataFolder(nightly->config.paths, nightly->clock));
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(nightly->config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(nightly->project, warehouse::LoadProject(files, arguments.project, *session));
  FEEDMILL_TRY(CheckProject(*session, nightly));
  nightly->context = std::make_unique<warehouse::Context>(warehouse::Context{*nightly->folder.files,
                                                                             *nightly->folder.catalog,
                                                                             *nightly->folder.store,
                                                                             nightly->clock,
                                                                             arguments.project,
                                                                             nightly->config.paths.Temporary(),
                                                                             nightly->config.nightly.threads,
                                                                             {},
                                                                             {}});
  return Ok();
}

Status CheckTables(const Nightly& nightly) {
  return CheckSelects(nightly.project, nightly.columns, nightly.folder.catalog.get());
}

Result<std::optional<Micros>> LastCut(const warehouse::Project& project, meta::Store& store) {
  // Native steps take part in whole nightlies only and record the cut; other models may have been run alone.
  for (const bool native : {true, false}) {
    Micros newest = 0;
    for (const warehouse::Model& model : project.models) {
      if (model.native.empty() == native) continue;
      FEEDMILL_ASSIGN(const auto intervals, warehouse::LoadIntervals(store, model.name));
      for (const auto& [start, interval] : intervals) newest = std::max(newest, interval.end);
    }
    if (newest > 0) return newest;
  }
  return std::nullopt;
}

Result<Micros> CutOf(const NightlyArguments& arguments, const Nightly& nightly) {
  if (!arguments.until.empty() && arguments.until != "now") return ParseTime(arguments.until);
  FEEDMILL_ASSIGN(const Micros now, NowOf(arguments, nightly));
  if (arguments.until == "now") return now;
  const Micros midnight = FloorTo(now, kMicrosPerDay);
  FEEDMILL_ASSIGN(const auto last, LastCut(nightly.project, *nightly.folder.store));
  if (!last || *last > midnight) return now;
  FEEDMILL_ASSIGN(const bool anything, AnythingBefore(nightly, midnight));
  return anything ? midnight : now;
}

Status LandFirst(const Config& config, const std::string& url) {
  if (!url.empty()) return AskServer(config, url);
  const Deadline deadline = Deadline::After(kServerPatience);
  const Deadline preferred = Deadline::After(kServerPreferred);
  Deadline back = Deadline::After(kReturnTime);
  for (bool told = false;; told = true) {
    if (!preferred.Expired() && ServerIsThere(config.paths.data)) back = Deadline::After(kReturnTime);
    const Status landed = LandOnce(config, !back.Expired());
    const bool passing = !landed && landed.error().kind() == ErrorKind::kUnavailable;
    if (!passing || deadline.Expired() || StopRequested()) return landed;
    if (!told) log::Warn("waiting for the server", {{"why", landed.error().message()}});
    std::this_thread::sleep_for(preferred.Expired() ? kGapPause : kServerPause);
  }
}

}  // namespace feedmill::app
