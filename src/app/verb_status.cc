#include "app/verb_status.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/status.h"
#include "base/log.h"

namespace feedmill::app {
namespace {

struct StatusArguments {
  std::string project = ".";
  Overrides overrides;
  bool json = false;
};

Status ShowStatus(const StatusArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const auto status, ProjectStatus(config, folder));
  if (arguments.json) {
    cli::PrintResult(status.dump());
  } else {
    fmt::print("{}", StatusText(status));
  }
  return Ok();
}

}  // namespace

void AddStatusVerb(CLI::App& app) {
  auto arguments = std::make_shared<StatusArguments>();
  CLI::App* verb = app.add_subcommand("status", "server, nightly, tables, lag, disk, what is kept, what is live");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  verb->add_flag("--json", arguments->json, "print JSON");
  verb->footer("Examples:\n  feedmill status\n  feedmill status --project myapp --json");
  verb->callback([arguments] { cli::Finish(ShowStatus(*arguments)); });
}

}  // namespace feedmill::app
