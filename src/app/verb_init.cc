#include "app/verb_init.h"

#include <memory>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/data_place.h"
#include "app/embedded_shop.h"
#include "app/embedded_template.h"
#include "app/project.h"

namespace feedmill::app {
namespace {

constexpr std::string_view kAboutTheExample = "README.md";  // of this repository, not of a project

struct InitArguments {
  std::string folder;
  std::string of = "social";
};

std::vector<EmbeddedPage> FilesOf(const std::string& app) {
  std::vector<EmbeddedPage> files;
  for (const EmbeddedPage& file : app == "shop" ? EmbeddedShop() : EmbeddedTemplate()) {
    if (file.path != kAboutTheExample) files.push_back(file);
  }
  return files;
}

Status RunInit(const InitArguments& arguments) {
  FEEDMILL_TRY(CheckDataFolderName(arguments.folder));
  FEEDMILL_TRY(InitProject(arguments.folder, FilesOf(arguments.of)));
  fmt::print("{0}: written. Next:\n  feedmill up --project {0}\n", arguments.folder);
  return Ok();
}

}  // namespace

void AddInitVerb(CLI::App& app) {
  auto arguments = std::make_shared<InitArguments>();
  CLI::App* verb = app.add_subcommand(
      "init", "write a project folder: tracking plan, warehouse SQL, checks, features, models, feed scenes");
  verb->add_option("folder", arguments->folder, "new or empty folder")->required();
  verb->add_option("--template", arguments->of,
                   "the app to begin from: social (posts, authors, follows, topics) or shop (products, carts, orders, "
                   "CSV files; nobody follows anybody)")
      ->check(CLI::IsMember({"social", "shop"}))
      ->capture_default_str();
  verb->footer(
      "Examples:\n  feedmill init myapp && feedmill up --project myapp\n  feedmill init myshop --template shop");
  verb->callback([arguments] { cli::Finish(RunInit(*arguments)); });
}

}  // namespace feedmill::app
