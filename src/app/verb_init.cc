#include "app/verb_init.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "app/data_place.h"
#include "app/project.h"

namespace feedmill::app {
namespace {

Status RunInit(const std::string& folder) {
  FEEDMILL_TRY(CheckDataFolderName(folder));
  FEEDMILL_TRY(InitProject(folder));
  fmt::print("{0}: written. Next:\n  feedmill up --project {0}\n", folder);
  return Ok();
}

}  // namespace

void AddInitVerb(CLI::App& app) {
  auto folder = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand(
      "init", "write a project folder: tracking plan, warehouse SQL, checks, features, models, feed scenes");
  verb->add_option("folder", *folder, "new or empty folder")->required();
  verb->footer("Example:\n  feedmill init myapp && feedmill up --project myapp");
  verb->callback([folder] { cli::Finish(RunInit(*folder)); });
}

}  // namespace feedmill::app
