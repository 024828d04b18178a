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

// kNotFound when there is no such run.
Result<RunRecord> LoadRun(meta::Store& store, const std::string& run_id);
// Newest first, without their steps. `kind` "" = all.
Result<std::vector<RunRecord>> ListRuns(meta::Store& store, const std::string& kind, int count_max);

}  // namespace feedmill::jobs
