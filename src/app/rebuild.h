// Everything below the log and the raw tables, made anew beside what there is: queries, feeds and a running server go
// on with the former tables and the former bundle until all of it is made, checked and put in place in one transaction.
// A rebuild that fails or is killed has changed nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "app/config.h"
#include "app/nightly_steps.h"
#include "jobs/runner.h"

namespace feedmill::app {

struct RebuildPlan {
  Micros cut = 0;      // the tables are made as of here
  bool raw = false;    // the raw tables too, from the log; no server may run
  bool dims = false;   // the tables that give keys too
  bool train = false;  // models and a bundle too
};

struct RebuildFigures {
  uint64_t tables_made = 0;
  uint64_t records_landed = 0;  // where landing stands, over all partitions; 0 beside a server
  uint64_t events_applied = 0;
  bool live_state = false;  // made anew; not beside a server, which keeps its own
  jobs::RunRecord run;
};

struct RebuildHooks {
  std::function<void(std::string_view phase)> on_phase;
  std::function<void(const jobs::RunRecord&, const jobs::StepRecord&)> on_step;
  std::function<bool()> stop_requested;
};

// The work lock must be held. Lands what the log has (through the server when one runs), runs the nightly up to the cut
// into staged tables, publishes them with their interval records, builds the live state from the lake when no server
// runs. kAborted when stopped or when a step failed: nothing was changed.
Result<RebuildFigures> Rebuild(const Config& config, const NightlyArguments& arguments, const RebuildPlan& plan,
                               const RebuildHooks& hooks);

// A live state that a rebuild has finished takes the place of the former one. By whoever holds the data folder's lock,
// before the state is read.
Status TakeRebuiltState(io::FileSystem& files, const ProjectPaths& paths);

}  // namespace feedmill::app
