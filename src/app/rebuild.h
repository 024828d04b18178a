// Everything below the log and the raw tables, made anew. A step at a time, so that the verb can show them; each may be
// done again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/nightly_steps.h"
#include "jobs/runner.h"

namespace feedmill::app {

struct RebuildPlan {
  Micros cut = 0;      // the tables are made as of here
  bool raw = false;    // the raw tables too, from the log
  bool dims = false;   // the tables that give keys too
  bool train = false;  // models and a bundle too
};

// What a rebuild that was begun and not finished wanted; nothing when there is none. Until it is finished the folder is
// half made.
Result<std::optional<RebuildPlan>> UnfinishedRebuild(const ProjectPaths& paths);

struct RebuildFigures {
  uint64_t tables_dropped = 0;
  uint64_t records_landed = 0;  // where landing stands, over all partitions
  uint64_t events_applied = 0;
  jobs::RunRecord run;
};

struct RebuildHooks {
  std::function<void(std::string_view phase)> on_phase;
  std::function<void(const jobs::RunRecord&, const jobs::StepRecord&)> on_step;
  std::function<bool()> stop_requested;
};

// Cut of the newest nightly that went through, from the intervals it recorded; nothing when none did.
Result<std::optional<Micros>> LastCut(const Config& config, const DataFolder& folder);

// The data folder's lock must be held. Writes the plan down, lands what the log has, drops what is derived (tables,
// intervals, checkpoints), runs the nightly up to the cut, builds the live state and writes its checkpoint. kAborted
// when stopped; the next call with the unfinished plan does all of it again.
Result<RebuildFigures> Rebuild(const Config& config, const NightlyArguments& arguments, const RebuildPlan& plan,
                               const RebuildHooks& hooks);

}  // namespace feedmill::app
