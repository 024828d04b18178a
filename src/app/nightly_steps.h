// The command lines of the nightly's children, and the steps that are no tables: training, the bundle, its promotion.
#pragma once

#include <string>
#include <vector>

#include "app/config.h"
#include "warehouse/nightly.h"

namespace feedmill::app {

struct NightlyArguments {
  std::string project = ".";
  Overrides overrides;
  std::string url;    // of the server that is asked to land first; "" = the one in the data folder
  bool land = true;   // before anything else
  std::string until;  // "" = see CutOf, "now", or an instant
  // A backfill makes [start, force_end), or what came late, anew; its cut stays that of the newest run.
  std::string start;
  std::string force_end;
  bool late = false;
  std::string only;    // one model
  std::string resume;  // a run's id
  bool force_promote = false;
  bool json = false;
  bool train = true;  // false: tables only
};

// Commands, limits and extra steps of the options, whose run_id must be set; the rest stays as it was. `end` is the
// cut.
void AddCommands(const Config& config, const NightlyArguments& arguments, Micros end,
                 warehouse::NightlyOptions* options);

// Folder of this program, in which feedmill-train stands too.
std::string ProgramFolder();

}  // namespace feedmill::app
