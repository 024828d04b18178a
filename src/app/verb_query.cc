#include "app/verb_query.h"

#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/rows_text.h"

namespace feedmill::app {
namespace {

struct QueryArguments {
  std::string project = ".";
  std::string sql;
  RowsFormat format = RowsFormat::kTable;
  size_t rows_max = 1000;
};

Status RunQuery(const QueryArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, {}));
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  FEEDMILL_TRY(RegisterReferencedTables(*session, *folder.catalog, arguments.sql));
  const size_t rows_max = arguments.rows_max == 0 ? std::numeric_limits<size_t>::max() : arguments.rows_max;
  FEEDMILL_ASSIGN(const query::Rows rows, session->Query(arguments.sql, rows_max));
  const std::string text = RowsText(rows, arguments.format);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return Ok();
}

Status ListTables(const QueryArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, {}));
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const auto tables, folder.catalog->ListTables());
  for (const std::string& table : tables) fmt::print("{}\n", table);
  return Ok();
}

}  // namespace

void AddQueryVerb(CLI::App& app) {
  auto arguments = std::make_shared<QueryArguments>();
  CLI::App* verb = app.add_subcommand("query", "read the lake's tables with SQL; without SQL, list them");
  verb->add_option("sql", arguments->sql, "one SELECT; tables by their short name");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  const std::map<std::string, RowsFormat> formats = {
      {"table", RowsFormat::kTable}, {"csv", RowsFormat::kCsv}, {"jsonl", RowsFormat::kJsonLines}};
  verb->add_option("--format", arguments->format, "table, csv or jsonl")->transform(CLI::CheckedTransformer(formats));
  verb->add_option("--rows", arguments->rows_max, "rows at the most, 0 = all")->capture_default_str();
  verb->footer(
      "Example:\n  feedmill query 'SELECT event_name, count(*) FROM dwd_user_action GROUP BY event_name ORDER BY 2 "
      "DESC'");
  verb->callback([arguments] { cli::Finish(arguments->sql.empty() ? ListTables(*arguments) : RunQuery(*arguments)); });
}

}  // namespace feedmill::app
