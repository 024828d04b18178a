// One run of the nightly from the command line's point of view: what it works with, which cut, what comes in first.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/nightly_steps.h"
#include "warehouse/model_columns.h"
#include "warehouse/project.h"

namespace feedmill::app {

// What plan and run work with. The clock and the folder are pointed to: not moved.
struct Nightly {
  Config config;
  SystemClock clock;
  DataFolder folder;
  warehouse::Project project;
  warehouse::ModelColumns columns;  // of its tables
  std::unique_ptr<warehouse::Context> context;
};

Status OpenNightly(const NightlyArguments& arguments, Nightly* nightly);

// What a night would say only at its steps: CheckSelects of the project's tables.
Status CheckTables(const Nightly& nightly);

// Cut of the newest nightly that went through, from the intervals it recorded; nothing when none did.
Result<std::optional<Micros>> LastCut(const warehouse::Project& project, meta::Store& store);

// Whether anything that has landed happened before.
Result<bool> AnythingBefore(const Nightly& nightly, Micros time);

// What --until says. Without it the last midnight (UTC), as tables are made of whole days; but now, when the last cut
// is later than that (the first run's is now) or nothing happened before it. Now is the server's where its clock is
// driven or shifted.
Result<Micros> CutOf(const NightlyArguments& arguments, const Nightly& nightly);

// Everything that was acknowledged is in the lake when it returns. The running server is asked; without one the log is
// landed here. `url` "" = the server that says it runs in the data folder; one that starts, stops or was killed
// meanwhile is waited for, some minutes at most. An error when one runs and does not answer.
Status LandFirst(const Config& config, const std::string& url);

}  // namespace feedmill::app
