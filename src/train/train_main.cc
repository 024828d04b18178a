// feedmill-train: the training steps of a nightly, each also runnable by hand. The only program that loads LightGBM.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "train/commands.h"
#include "train/train_plan.h"

namespace feedmill::train {
namespace {

// The step protocol's.
constexpr int kExitPermanent = 65;  // trying again cannot help
constexpr int kExitOutOfMemory = 66;
constexpr const char* kMemoryVariable = "FEEDMILL_STEP_MEMORY";
constexpr const char* kPartsVariable = "FEEDMILL_PARTS";
constexpr int kPartsMax = 1024;
constexpr int kExitFailed = 1;

using Command = std::function<Result<std::string>(const CommandOptions&)>;

bool IsPermanent(const Error& error) {
  return error.kind() == ErrorKind::kInvalidArgument || error.kind() == ErrorKind::kNotFound ||
         error.kind() == ErrorKind::kCorrupt;
}

int Run(const Command& command, const CommandOptions& options) {
  const Result<std::string> result = command(options);
  if (result) {
    std::printf("{\"result\":%s}\n", result->c_str());
    return 0;
  }
  std::printf("%s\n", nlohmann::json{{"error", result.error().ToString()}}.dump().c_str());
  std::fprintf(stderr, "feedmill-train: %s\n", result.error().ToString().c_str());
  if (result.error().kind() == ErrorKind::kResourceExhausted) return kExitOutOfMemory;
  return IsPermanent(result.error()) ? kExitPermanent : kExitFailed;
}

Result<std::string> RunAll(const CommandOptions& options) {
  FEEDMILL_ASSIGN(const std::string als, RunAls(options));
  FEEDMILL_ASSIGN(const std::string rank, RunRank(options));
  FEEDMILL_ASSIGN(const std::string bundle, RunBundle(options));
  return fmt::format("{{\"als\":{},\"rank\":{},\"bundle\":{}}}", als, rank, bundle);
}

// Reads models/*.toml only.
Result<std::string> CheckPlans(const std::string& project) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(const domain::DomainPtr domain, domain::LoadDomain(files, project + "/domain.toml"));
  if (auto rank = LoadRankPlan(files, project + "/models", *domain); !rank) return std::unexpected(rank.error());
  if (auto als = LoadAlsPlan(files, project + "/models", *domain); !als) return std::unexpected(als.error());
  return "{}";
}

void AddOptions(CLI::App* app, CommandOptions* options, std::string* cut) {
  app->add_option("--data", options->data, "data folder")->default_val("./feedmill-data");
  app->add_option("--project", options->project, "project folder (features/, models/)")->default_val(".");
  app->add_option("--cut", *cut, "events earlier than this instant count, e.g. 2026-11-22T00:00:00Z")->required();
  app->add_option("--run", options->run_id, "id of the run whose pinned tables are read; without it the newest");
  app->add_option("--memory", options->memory_bytes_max, "bytes that the step may use; samples are thinned to fit")
      ->transform(CLI::AsSizeValue(false))
      ->envname(kMemoryVariable);
  app->add_option("--parts", options->parts, "as if there were so much less memory")
      ->check(CLI::Range(1, kPartsMax))
      ->envname(kPartsVariable);
  app->add_option("--threads", options->threads, "threads of SQL")->check(CLI::Range(1, 256));
}

}  // namespace

int Main(int argc, char** argv) {
  std::set_new_handler([] { std::_Exit(kExitOutOfMemory); });
  CLI::App app(
      "Trains the models of one night and builds its bundle.\n\n"
      "  feedmill-train all --data ./feedmill-data --project . --cut 2026-11-22\n"
      "  feedmill-train rank --cut 2026-11-22T00:00:00Z      only the ranking models\n\n"
      "Prints one JSON object a line: {\"progress\":0.4,\"note\":\"..\"}, then {\"result\":{..}} or "
      "{\"error\":\"..\"}.\n"
      "Exit code 65: trying again cannot help; 66: there was too little memory.",
      "feedmill-train");
  app.require_subcommand(1);
  CommandOptions options;
  std::string cut;
  const std::tuple<const char*, const char*, Command> commands[] = {
      {"als", "vectors of users and posts from who acted on what", RunAls},
      {"rank", "one ranking model per action from ads_sample_ctr", RunRank},
      {"bundle", "gathers als, rank and the candidate lists into a sealed bundle and adds it to the registry",
       RunBundle},
      {"all", "als, rank and bundle", RunAll}};
  int exit_code = 0;
  for (const auto& [name, doc, command] : commands) {
    CLI::App* verb = app.add_subcommand(name, doc);
    AddOptions(verb, &options, &cut);
    verb->callback([&options, &cut, &exit_code, command = command] {
      const Result<Micros> at = ParseTime(cut);
      if (!at) throw CLI::ValidationError("--cut", at.error().message());
      options.cut = *at;
      exit_code = Run(command, options);
    });
  }
  CLI::App* check = app.add_subcommand("check", "reads models/*.toml of the project and tells what is wrong in them");
  check->add_option("--project", options.project, "project folder")->default_val(".");
  check->callback([&options, &exit_code] {
    exit_code = Run([](const CommandOptions& given) { return CheckPlans(given.project); }, options);
  });
  CLI11_PARSE(app, argc, argv);
  return exit_code;
}

}  // namespace feedmill::train

// LightGBM's OpenMP threads spin while they wait, which costs several times the work when other programs need the
// processors. The runtime reads its setting before main(), so the program starts itself once more with it.
int main(int argc, char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    execv("/proc/self/exe", argv);
  }
  return feedmill::train::Main(argc, argv);
}
