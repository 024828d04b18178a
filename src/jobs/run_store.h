// Records of runs in the metadata store. Each call is one transaction; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "jobs/step.h"
#include "meta/store.h"

namespace feedmill::jobs {

std::vector<meta::Migration> JobsMigrations();

// Makes the run or, when it exists, marks it running again. Steps that had not succeeded wait again.
Status BeginRun(meta::Store& store, const RunRecord& run);
Status SaveStep(meta::Store& store, const std::string& run_id, int place, const StepRecord& step);
Status EndRun(meta::Store& store, const std::string& run_id, const std::string& state, Micros ended_at);

// For whoever holds the lock under which runs work, so that none is alive: runs that stand as running are
// "interrupted", their steps that did not end "stopped". Returns how many.
Result<int64_t> MarkInterrupted(meta::Store& store, Micros now);
// Records of runs that began before, steps included; the newest `keep_min` stay. Returns their ids.
Result<std::vector<std::string>> ForgetRuns(meta::Store& store, Micros began_before, int keep_min);

// kNotFound when there is no such run.
Result<RunRecord> LoadRun(meta::Store& store, const std::string& run_id);
// Newest first, without their steps. `kind` "" = all.
Result<std::vector<RunRecord>> ListRuns(meta::Store& store, const std::string& kind, int count_max);

// The step's last success over all runs; kNotFound when there was none.
Result<StepRecord> LastSuccess(meta::Store& store, const std::string& step);

}  // namespace feedmill::jobs
