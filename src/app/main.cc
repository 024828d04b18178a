// The command line: the list of verbs, and nothing else.
#include <CLI/CLI.hpp>

#include "app/last_words.h"
#include "app/verb_config.h"
#include "app/verb_doctor.h"
#include "app/verb_fork.h"
#include "app/verb_init.h"
#include "app/verb_job.h"
#include "app/verb_key.h"
#include "app/verb_lake.h"
#include "app/verb_log.h"
#include "app/verb_logs.h"
#include "app/verb_query.h"
#include "app/verb_rebuild.h"
#include "app/verb_run.h"
#include "app/verb_status.h"
#include "app/verb_tables.h"
#include "app/verb_up.h"
#include "app/verb_verify.h"
#include "app/verb_verify_lake.h"
#include "cli/command_line.h"
#include "cli/verb.h"
#include "cli/verb_bundle.h"
#include "cli/verb_completion.h"
#include "cli/verb_import.h"
#include "cli/verb_simulate.h"

int main(int argc, char** argv) {
  feedmill::app::PrepareLastWords();
  CLI::App app{"Feedmill: the data warehouse and recommendation system of a social app"};
  app.set_version_flag("--version", "feedmill " FEEDMILL_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Start:\n  feedmill init myapp && feedmill up --project myapp\nExit codes: 0 done, 1 failed (the last line says "
      "why), 2: wrong use.");
  constexpr feedmill::cli::AddVerb kVerbs[] = {
      feedmill::app::AddInitVerb,       feedmill::app::AddUpVerb,         feedmill::app::AddConfigVerb,
      feedmill::cli::AddImportVerb,     feedmill::cli::AddSimulateVerb,   feedmill::app::AddPlanVerb,
      feedmill::app::AddRunVerb,        feedmill::app::AddBackfillVerb,   feedmill::app::AddRebuildVerb,
      feedmill::app::AddForkVerb,       feedmill::app::AddVerifyLakeVerb, feedmill::app::AddVerifyFeaturesVerb,
      feedmill::app::AddLogVerb,        feedmill::app::AddLakeVerb,       feedmill::app::AddQueryVerb,
      feedmill::app::AddStatusVerb,     feedmill::cli::AddBundleVerb,     feedmill::app::AddKeyVerb,
      feedmill::app::AddDoctorVerb,     feedmill::app::AddLogsVerb,       feedmill::app::AddTablesVerb,
      feedmill::cli::AddCompletionVerb, feedmill::app::AddJobVerb,
  };
  for (const auto add : kVerbs) add(app);
  const int code = feedmill::cli::ParseCommandLine(app, argc, argv);
  return code < 0 ? feedmill::cli::ExitCode() : code;
}
