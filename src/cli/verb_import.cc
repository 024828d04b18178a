#include "cli/verb_import.h"

#include <filesystem>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>

#include "base/progress.h"
#include "cli/connection.h"
#include "cli/importer.h"
#include "io/file_system.h"

namespace feedmill::cli {
namespace {

struct ImportArguments {
  Connection connection;
  std::string file;
  std::string mapping;
  ImportOptions options;
  bool again = false;
};

// Some refused events are the file's business and are shown; when none was good, nothing was imported.
Status Outcome(const ImportFigures& figures, const std::string& file) {
  const uint64_t bad = figures.rejected + figures.unreadable;
  if (bad == 0 || figures.accepted + figures.duplicates + figures.sent_before > 0) return Ok();
  return InvalidArgument("{}: all {} events were refused; the first: {}", file, bad,
                         figures.errors.empty() ? "(no reason given)" : figures.errors.front());
}

Status RunImport(ImportArguments* arguments) {
  FEEDMILL_TRY(FillKeys(&arguments->connection, KeyKind::kImport));
  arguments->options.url = arguments->connection.url;
  arguments->options.write_key = arguments->connection.write_key;
  const bool csv = !arguments->mapping.empty();
  FEEDMILL_ASSIGN(const auto source,
                  csv ? OpenCsv(arguments->file, arguments->mapping) : OpenJsonLines(arguments->file));
  // Standard input and a pipe have no size, and no place beside them for a record.
  std::error_code none;
  const bool is_file = std::filesystem::is_regular_file(arguments->file, none);
  uint64_t size = 0;
  if (is_file) {
    FEEDMILL_ASSIGN(size, io::PosixFileSystem().FileSize(arguments->file));
  }
  Progress progress("import", size, "bytes");
  std::optional<ImportRecord> record;
  if (is_file) {
    FEEDMILL_ASSIGN(
        record, ImportRecord::Open(io::PosixFileSystem(), arguments->file, arguments->mapping, arguments->options.url));
    if (arguments->again) record->Forget();
    arguments->options.record = &*record;
  }
  FEEDMILL_ASSIGN(const ImportFigures figures, Import(source.get(), arguments->options, &progress));
  progress.Finish();
  for (const std::string& error : figures.errors) fmt::print(stderr, "refused: {}\n", error);
  const double rate = figures.seconds > 0 ? static_cast<double>(figures.sent) / figures.seconds : 0;
  PrintResult(fmt::format(
      R"({{"sent":{},"sent_before":{},"accepted":{},"duplicates":{},"rejected":{},"unreadable":{},"slowed":{},"seconds":{:.2f},"events_per_s":{:.0f}}})",
      figures.sent, figures.sent_before, figures.accepted, figures.duplicates, figures.rejected, figures.unreadable,
      figures.slowed, figures.seconds, rate));
  return Outcome(figures, arguments->file);
}

}  // namespace

void AddImportVerb(CLI::App& app) {
  auto arguments = std::make_shared<ImportArguments>();
  CLI::App* verb = app.add_subcommand("import", "send events from a file: JSON lines, or CSV with a mapping file");
  AddConnectionOptions(*verb, &arguments->connection);
  verb->add_option("file", arguments->file, "file of events; - reads JSON lines from standard input")->required();
  verb->add_option("--mapping", arguments->mapping,
                   "the file is CSV; this TOML file says how its columns become events");
  verb->add_option("--batch", arguments->options.batch_events, "events a request")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  verb->add_option("--connections", arguments->options.connections, "requests at the same time")
      ->capture_default_str()
      ->check(CLI::Range(1, 32));
  verb->add_flag("--again", arguments->again, "all of the file, also what an earlier run that did not end has sent");
  verb->footer(
      "Examples:\n  feedmill import events.jsonl\n  feedmill import clicks.csv --mapping clicks.toml\n  zcat "
      "old.jsonl.gz | feedmill import -");
  verb->callback([arguments] { Finish(RunImport(arguments.get())); });
}

}  // namespace feedmill::cli
