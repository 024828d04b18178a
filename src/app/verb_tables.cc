#include "app/verb_tables.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "base/time_text.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

struct TablesArguments {
  std::string project = ".";
  std::string table;  // all when empty
  bool json = false;
  bool metadata = false;  // print the path and nothing else
};

std::string RowsOf(const lake::TableDescription& table) {
  if (table.snapshots.empty()) return "0";
  const auto& summary = table.snapshots.back().summary;
  const auto rows = summary.find("total-records");
  return rows == summary.end() ? "0" : rows->second;
}

std::string TimeOf(const lake::TableDescription& table) {
  return table.snapshots.empty() ? "" : FormatTime(table.snapshots.back().committed_at);
}

Status RunTables(const TablesArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, {}));
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  std::vector<std::string> names;
  if (arguments.table.empty()) {
    FEEDMILL_ASSIGN(names, folder.catalog->ListTables());
  } else {
    FEEDMILL_ASSIGN(std::string name, FindTable(*folder.catalog, arguments.table));
    names.push_back(std::move(name));
  }
  for (const std::string& name : names) {
    FEEDMILL_ASSIGN(const lake::TableDescription table, folder.catalog->Load(name));
    if (arguments.json) {
      cli::PrintResult(Json{{"table", name},
                            {"rows", Json::parse(RowsOf(table), nullptr, false)},
                            {"committed_at", TimeOf(table)},
                            {"metadata", table.metadata_location}}
                           .dump());
    } else if (arguments.metadata) {
      cli::PrintResult(table.metadata_location);
    } else {
      fmt::print("{:<28}{:>14} rows  {}\n", name, RowsOf(table), TimeOf(table));
    }
  }
  return Ok();
}

}  // namespace

void AddTablesVerb(CLI::App& app) {
  auto arguments = std::make_shared<TablesArguments>();
  CLI::App* verb =
      app.add_subcommand("tables", "the lake's tables: rows, last commit, and where other engines read them");
  verb->add_option("table", arguments->table, "one of them; all when it is left out");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_flag("--metadata", arguments->metadata, "print the path of the current metadata file only");
  verb->add_flag("--json", arguments->json, "one JSON object a line");
  verb->footer("Examples:\n  feedmill tables --project myapp\n  feedmill tables dwd_user_action --metadata");
  verb->callback([arguments] { cli::Finish(RunTables(*arguments)); });
}

}  // namespace feedmill::app
