#include "app/verb_query.h"

#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/rows_text.h"
#include "base/mutex.h"
#include "base/units.h"
#include "cli/command_line.h"
#include "query/confined_engine.h"

namespace feedmill::app {
namespace {

struct QueryArguments {
  std::string project = ".";
  std::string sql;
  RowsFormat format = RowsFormat::kTable;
  size_t rows_max = 1000;
  std::string time_max = "60s";
};

// Ends a statement that takes too long, from a thread of its own.
class TimeLimit {
 public:
  TimeLimit(query::Session& session, Micros time_max) {
    thread_ = std::thread([this, &session, time_max] {
      MutexLock lock(mutex_);
      over_ = !done_.WaitFor(mutex_, time_max, [this]() FEEDMILL_REQUIRES(mutex_) { return finished_; });
      // Until it is gone: one that is asked between two of its statements would go on.
      while (!finished_) {
        query::Interrupt(session);
        done_.WaitFor(mutex_, kAskAgain, [this]() FEEDMILL_REQUIRES(mutex_) { return finished_; });
      }
    });
  }
  ~TimeLimit() { Finish(); }
  // Whether the time was over before.
  bool Finish() {
    {
      const MutexLock lock(mutex_);
      finished_ = true;
    }
    done_.NotifyAll();
    if (thread_.joinable()) thread_.join();
    return over_;
  }

 private:
  static constexpr Micros kAskAgain = 100 * kMicrosPerMilli;
  Mutex mutex_;
  CondVar done_;
  bool finished_ FEEDMILL_GUARDED_BY(mutex_) = false;
  bool over_ = false;  // written by the thread, read once it is joined
  std::thread thread_;
};

Status RunQuery(const QueryArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, {}));
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const Micros time_max, ParseDuration(arguments.time_max));
  // Whoever may ask questions of the lake may not read the rest of this machine with them.
  FEEDMILL_ASSIGN(const auto engine, OpenStepEngine(config, {config.paths.Lake(), config.paths.Temporary()}));
  FEEDMILL_ASSIGN(const auto session, engine->NewSession());
  FEEDMILL_TRY(RegisterReferencedTables(*session, *folder.catalog, arguments.sql));
  const size_t rows_max = arguments.rows_max == 0 ? std::numeric_limits<size_t>::max() : arguments.rows_max;
  TimeLimit limit(*session, time_max);
  const auto rows = session->Query(arguments.sql, rows_max);
  if (limit.Finish() && !rows)
    return DeadlineExceeded("the query took longer than {}; narrow it, or allow more with --time", arguments.time_max);
  if (!rows) return std::unexpected(rows.error());
  const std::string text = RowsText(*rows, arguments.format);
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
  cli::AddChoice<RowsFormat>(
      verb, "--format", &arguments->format,
      {{"table", RowsFormat::kTable}, {"csv", RowsFormat::kCsv}, {"jsonl", RowsFormat::kJsonLines}},
      "how rows are printed");
  verb->add_option("--rows", arguments->rows_max, "rows at the most, 0 = all")->capture_default_str();
  verb->add_option("--time", arguments->time_max, "how long it may take, like 90s or 10m")->capture_default_str();
  verb->footer(
      "Example:\n  feedmill query 'SELECT event_name, count(*) FROM dwd_user_action GROUP BY event_name ORDER BY 2 "
      "DESC'");
  verb->callback([arguments] { cli::Finish(arguments->sql.empty() ? ListTables(*arguments) : RunQuery(*arguments)); });
}

}  // namespace feedmill::app
