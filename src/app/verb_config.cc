#include "app/verb_config.h"

#include <filesystem>
#include <functional>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/nightly_steps.h"
#include "app/project_domain.h"
#include "app/project_tables.h"
#include "features/feature_set.h"
#include "ingest/tracking_plan.h"
#include "io/child_process.h"
#include "warehouse/project.h"

namespace feedmill::app {
namespace {

struct ConfigArguments {
  std::string project = ".";
  Overrides overrides;
};

Status Explain(const ConfigArguments& arguments) {
  FEEDMILL_ASSIGN(const std::string text, ExplainConfig(arguments.project, arguments.overrides));
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Ok();
}

// Prints what is wrong and counts it; goes on, so that one run shows all of it.
void Report(std::string_view what, const Status& status, int* faults) {
  if (status) {
    fmt::print("ok      {}\n", what);
    return;
  }
  ++*faults;
  fmt::print("broken  {}\n{}\n", what, status.error().message());
}

template <typename T>
Status StatusOf(const Result<T>& result) {
  return result ? Ok() : Status(std::unexpected(result.error()));
}

// With the tables of a project that has some: they may have columns of an earlier plan, and types that a SELECT
// changes.
Status CheckWarehouse(io::FileSystem& files, const ProjectPaths& paths) {
  query::EngineOptions options;
  options.temporary_directory = std::filesystem::temp_directory_path().string();
  FEEDMILL_ASSIGN(const auto engine, query::OpenEngine(options));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  FEEDMILL_ASSIGN(const warehouse::Project project, warehouse::LoadProject(files, paths.project, *session));
  const auto plan = ingest::TrackingPlan::Load(files, paths.Events());
  const auto domain = domain::LoadDomain(files, paths.Domain());
  if (!plan || !domain) return Ok();  // they are told by themselves
  const SystemClock clock;
  DataFolder folder;
  FEEDMILL_ASSIGN(const bool has_tables, files.Exists(paths.MetaStore()));
  if (has_tables) {
    FEEDMILL_ASSIGN(folder, OpenDataFolder(paths, clock));
  }
  FEEDMILL_ASSIGN(const warehouse::ModelColumns columns,
                  DescribeTables(project, **plan, folder.catalog.get(), *session));
  for (const std::string& unknown : UnknownEvents(project, **plan, *session)) fmt::print("mind    {}\n", unknown);
  for (const std::string& event : {(*domain)->Shown().withdrawn_by, (*domain)->Shown().restored_by}) {
    if (event.empty() || (*plan)->FromServersAlone(event)) continue;
    fmt::print(
        "mind    events/{}.json: whoever has a write key, which may stand in a browser, can take items down; "
        "\"x-from\": \"servers\" leaves it to keys for import\n",
        event);
  }
  FEEDMILL_TRY(CheckSelects(project, columns, folder.catalog.get()));
  features::FeatureSet set;
  set.domain = *domain;  // features that are broken are told by themselves
  if (auto loaded = features::LoadFeatureSet(files, paths.Features(), *domain)) set = std::move(*loaded);
  return CheckColumnsRead(project, columns, set);
}

// Only the training program knows what may stand in models/.
Status CheckModels(const std::string& project) {
  io::ChildOptions options;
  options.arguments = {ProgramFolder() + "/feedmill-train", "check", "--project", project};
  std::string answer;
  options.on_stdout_line = [&answer](std::string_view line) { answer = line; };
  FEEDMILL_ASSIGN(const io::ChildOutcome outcome, io::RunChild(options));
  if (outcome.Succeeded()) return Ok();
  const auto json = nlohmann::json::parse(answer, nullptr, false);
  if (json.is_object() && json.contains("error")) return InvalidArgument("{}", json["error"].get<std::string>());
  return Unavailable("feedmill-train check: {}", outcome.ToString());
}

Status Check(const ConfigArguments& arguments) {
  int faults = 0;
  const auto config = LoadConfig(arguments.project, arguments.overrides);
  Report("feedmill.toml", StatusOf(config), &faults);
  ProjectPaths paths;
  paths.project = arguments.project;
  if (config) paths = config->paths;
  io::FileSystem& files = io::PosixFileSystem();
  Report("events/", StatusOf(ingest::TrackingPlan::Load(files, paths.Events())), &faults);
  Report("domain.toml", CheckProjectDomain(files, paths), &faults);
  const std::pair<std::string_view, std::function<Status()>> by_the_domain[] = {
      {"features/", [&] { return StatusOf(features::LoadProjectFeatures(files, paths.project)); }},
      {"models/", [&] { return CheckModels(arguments.project); }},
      {"feed/", [&] { return CheckProjectScenes(files, paths); }},
      {"warehouse/", [&] { return CheckWarehouse(files, paths); }}};
  const bool has_domain = domain::LoadDomain(files, paths.Domain()).has_value();
  for (const auto& [what, check] : by_the_domain) {
    if (has_domain) {
      Report(what, check(), &faults);
    } else {
      fmt::print("waits   {} is read by domain.toml\n", what);
    }
  }
  if (faults > 0) return InvalidArgument("{}: {} part(s) broken, see above", arguments.project, faults);
  return Ok();
}

}  // namespace

void AddConfigVerb(CLI::App& app) {
  auto arguments = std::make_shared<ConfigArguments>();
  CLI::App* verb = app.add_subcommand("config", "what can be set, and whether a project's files are right");
  verb->require_subcommand(1);
  verb->footer("Examples:\n  feedmill config explain\n  feedmill config check --project myapp");
  CLI::App* explain =
      verb->add_subcommand("explain", "every setting: meaning, limits, default, value, where the value came from");
  CLI::App* check =
      verb->add_subcommand("check", "read every file of the project and report all faults with file and line");
  for (CLI::App* sub : {explain, check}) {
    sub->add_option("--project", arguments->project, "project folder")->capture_default_str();
    sub->add_option("--set", arguments->overrides, "name=value, over the file");
  }
  explain->callback([arguments] { cli::Finish(Explain(*arguments)); });
  check->callback([arguments] { cli::Finish(Check(*arguments)); });
}

}  // namespace feedmill::app
