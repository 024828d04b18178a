#include "app/verb_doctor.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <array>
#include <cmath>
#include <ctime>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/front.h"
#include "app/project_domain.h"
#include "base/deadline.h"
#include "base/time_text.h"
#include "cli/running_server.h"
#include "features/feature_set.h"
#include "ingest/tracking_plan.h"
#include "io/http_client.h"
#include "jobs/run_store.h"

namespace feedmill::app {
namespace {

constexpr double kCertificateDaysMin = 14;
constexpr uint64_t kFreeBytesMin = 2ull << 30;
constexpr uint64_t kDescriptorsMin = 4096;
constexpr Micros kAnswerTime = 3 * kMicrosPerSecond;
constexpr mode_t kOthers = 077;

enum class Verdict { kWell, kMind, kBroken };

// One line a finding, told as it is found.
class Findings {
 public:
  void Add(Verdict verdict, std::string_view what, const std::string& found) {
    static constexpr const char* kWords[] = {"ok", "mind", "broken"};
    counts_[static_cast<size_t>(verdict)]++;
    fmt::print("{:<8}{:<22}{}\n", kWords[static_cast<size_t>(verdict)], what, found);
  }
  void Add(std::string_view what, const Status& status, const std::string& when_well) {
    Add(status ? Verdict::kWell : Verdict::kBroken, what, status ? when_well : status.error().message());
  }
  int broken() const { return counts_[static_cast<size_t>(Verdict::kBroken)]; }

 private:
  std::array<int, 3> counts_{};
};

template <typename T>
Status StatusOf(const Result<T>& result) {
  return result ? Ok() : Status(std::unexpected(result.error()));
}

void LookAtProject(const Config& config, Findings* findings) {
  io::FileSystem& files = io::PosixFileSystem();
  findings->Add("tracking plan", StatusOf(ingest::TrackingPlan::Load(files, config.paths.Events())), "read");
  findings->Add("domain", CheckProjectDomain(files, config.paths), "read, and fits the tracking plan");
  findings->Add("features", StatusOf(features::LoadProjectFeatures(files, config.paths.project)), "read");
  findings->Add("scenes", CheckProjectScenes(files, config.paths),
                "read; `feedmill config check` reads SQL and models too");
}

void LookAtMachine(const Config& config, Findings* findings) {
  struct statvfs disk = {};
  if (::statvfs(config.paths.data.c_str(), &disk) == 0) {
    const uint64_t free = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
    const uint64_t all = static_cast<uint64_t>(disk.f_blocks) * disk.f_frsize;
    findings->Add(
        free < kFreeBytesMin ? Verdict::kMind : Verdict::kWell, "disk",
        fmt::format("{:.1f} GB free of {:.0f} GB{}", static_cast<double>(free) / 1e9, static_cast<double>(all) / 1e9,
                    free < kFreeBytesMin ? "; events are refused when it is full" : ""));
  }
  rlimit descriptors = {};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  const uint64_t wanted = config.http.connections_max + 512;
  findings->Add(
      descriptors.rlim_max < std::min(wanted, kDescriptorsMin) ? Verdict::kMind : Verdict::kWell, "file descriptors",
      fmt::format("{} at most; {} connections are allowed", descriptors.rlim_max, config.http.connections_max));
  findings->Add(Verdict::kWell, "processors", fmt::format("{}", std::thread::hardware_concurrency()));
}

// Personal data and keys are the owner's alone.
void LookAtModes(const Config& config, Findings* findings) {
  for (const std::string& path : {config.paths.data + "/secrets", cli::KeysPath(config.paths.data)}) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) continue;
    const bool open = (status.st_mode & kOthers) != 0;
    findings->Add(open ? Verdict::kMind : Verdict::kWell, "access",
                  fmt::format("{} has mode {:o}{}", path, status.st_mode & 07777,
                              open ? "; others can read it: chmod go= it" : ""));
  }
}

void LookAtKeys(const Config& config, Findings* findings) {
  const auto keys = cli::ReadKeys(config.paths.data);
  if (keys || keys.error().kind() != ErrorKind::kNotFound)
    findings->Add("keys", StatusOf(keys), "four in secrets/keys.toml");
}

void LookAtCertificate(const Config& config, Findings* findings) {
  if (!config.http.tls.any()) return;
  const auto files = io::TlsFiles::Open(config.http.tls);
  if (!files) return findings->Add("certificate", StatusOf(files), "");
  const double days = ((*files)->ends_at() - static_cast<double>(std::time(nullptr))) / 86'400;
  const Verdict verdict = days < 0 ? Verdict::kBroken : days < kCertificateDaysMin ? Verdict::kMind : Verdict::kWell;
  findings->Add(
      verdict, "certificate",
      fmt::format("{} {} {:.0f} days{}", config.http.tls.certificate, days < 0 ? "ended before" : "is good for",
                  std::abs(days), verdict == Verdict::kWell ? "" : "; renew it"));
}

// Whether somebody serves, asked as a load balancer would.
void LookAtServer(const Config& config, const std::string& url, Findings* findings) {
  const auto client = io::MakeHttpClient(url);
  if (!client) return findings->Add("server", StatusOf(client), "");
  const auto reply = (*client)->Send("GET", "/readyz", {}, "", Deadline::After(kAnswerTime));
  if (!reply) {
    return findings->Add(Verdict::kMind, "server",
                         fmt::format("nobody answers at {}; feedmill up --project {}", url, config.paths.project));
  }
  std::string body = reply->body.substr(0, 400);
  while (body.ends_with('\n')) body.pop_back();
  findings->Add(reply->status == 200 ? Verdict::kWell : Verdict::kBroken, "server",
                fmt::format("{} answers {}: {}", url, reply->status, body));
}

void LookAtRuns(meta::Store& store, Findings* findings) {
  const auto runs = jobs::ListRuns(store, "", 1);
  if (!runs) return findings->Add("last run", StatusOf(runs), "");
  if (runs->empty()) return findings->Add(Verdict::kMind, "last run", "none yet; feedmill run makes the tables");
  const jobs::RunRecord& run = runs->front();
  const bool well = run.Succeeded() || run.state == "running";
  findings->Add(well ? Verdict::kWell : Verdict::kMind, "last run",
                fmt::format("{} of {} {}", run.id, FormatTime(run.started_at), run.state));
}

void LookAtBundle(const Config& config, const DataFolder& folder, Findings* findings) {
  const auto bundles = folder.registry->List();
  if (!bundles) return findings->Add("bundle", StatusOf(bundles), "");
  for (const registry::BundleRow& bundle : *bundles) {
    if (bundle.state != "live") continue;
    const Status verified =
        StatusOf(registry::VerifyBundle(io::PosixFileSystem(), config.paths.Bundles() + "/" + bundle.folder));
    return findings->Add("bundle", verified, fmt::format("{} is live, every file as it was made", bundle.id));
  }
  findings->Add(Verdict::kMind, "bundle", "none is live; feeds show what is popular, new and followed");
}

void LookAtData(const Config& config, Findings* findings) {
  const auto exists = io::PosixFileSystem().Exists(config.paths.MetaStore());
  if (!exists || !*exists) {
    return findings->Add(
        Verdict::kMind, "data",
        fmt::format("{} holds none yet; feedmill up --project {}", config.paths.data, config.paths.project));
  }
  const SystemClock clock;
  const auto folder = OpenDataFolder(config.paths, clock);
  findings->Add("metadata", StatusOf(folder), config.paths.MetaStore());
  if (!folder) return;
  const auto tables = folder->catalog->ListTables();
  Status loaded = StatusOf(tables);
  for (size_t i = 0; loaded && i < tables->size(); ++i) loaded = StatusOf(folder->catalog->PlanScan((*tables)[i], {}));
  findings->Add("tables", loaded, tables ? fmt::format("{}, each with its newest snapshot", tables->size()) : "");
  LookAtRuns(*folder->store, findings);
  LookAtBundle(config, *folder, findings);
}

Status RunDoctor(const std::string& project, std::string url) {
  Findings findings;
  const auto config = LoadConfig(project, {});
  findings.Add("settings", StatusOf(config), project + "/feedmill.toml");
  if (config) {
    const auto running = cli::FindRunningServer(config->paths.data);
    if (url.empty() && running) url = running->url;
    if (url.empty()) url = PublicUrl(*config, config->http.port);
    LookAtProject(*config, &findings);
    LookAtMachine(*config, &findings);
    LookAtModes(*config, &findings);
    LookAtKeys(*config, &findings);
    LookAtCertificate(*config, &findings);
    LookAtData(*config, &findings);
    LookAtServer(*config, url, &findings);
  }
  if (findings.broken() > 0) return Unavailable("{}: {} part(s) broken, see above", project, findings.broken());
  return Ok();
}

}  // namespace

void AddDoctorVerb(CLI::App& app) {
  struct Arguments {
    std::string project = ".";
    std::string url;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand("doctor", "look at everything a project stands on; changes nothing");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_option("--url", arguments->url, "the server; by default the one that runs in the data folder");
  verb->footer("Example:\n  feedmill doctor --project myapp");
  verb->callback([arguments] { cli::Finish(RunDoctor(arguments->project, arguments->url)); });
}

}  // namespace feedmill::app
