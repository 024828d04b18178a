#include "app/verb_fork.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/fork.h"
#include "base/log.h"
#include "cli/verb.h"

namespace feedmill::app {
namespace {

struct ForkArguments {
  std::string from;
  ForkOptions options;
};

Status RunFork(const ForkArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.from, {}));
  log::Configure(log::Level::kWarn, config.logging.format);
  const Micros begin = MonotonicMicros();
  FEEDMILL_ASSIGN(const ForkFigures figures, ForkProject(config, arguments.options));
  const nlohmann::json json = {{"project", arguments.options.to},
                               {"files", figures.files},
                               {"linked", figures.linked},
                               {"bytes_copied", figures.bytes},
                               {"seconds", static_cast<double>((MonotonicMicros() - begin) / 10'000) / 100}};
  cli::PrintResult(json.dump());
  return Ok();
}

}  // namespace

void AddForkVerb(CLI::App& app) {
  auto arguments = std::make_shared<ForkArguments>();
  CLI::App* verb = app.add_subcommand(
      "fork", "copy a project with its data, also a running one: an experiment of its own, or a backup");
  verb->add_option("from", arguments->from, "project folder")->required();
  verb->add_option("to", arguments->options.to, "new or empty folder")->required();
  verb->add_flag("--links", arguments->options.links,
                 "share files that never change by hard links: fast and small, but no backup");
  verb->footer("Examples:\n  feedmill fork myapp experiment --links\n  feedmill fork myapp /backup/myapp-2026-01-08");
  verb->callback([arguments] { cli::Finish(RunFork(*arguments)); });
}

}  // namespace feedmill::app
