// How a project stands, for people and for programs: server, nightly, tables, disk, what is kept, what is live.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/keeper.h"
#include "app/night_watch.h"
#include "warehouse/report.h"

namespace feedmill::app {

// What the newest nightly or backfill has left out, by table: [{"model", "text", "late_rows", "command"}], the
// last as CommandFor says it.
nlohmann::json LeftOutNow(meta::Store& store, const std::string& project);

// Whether a run died shows in that nobody works any more: its record says "running" until somebody marks it.
std::string StateOf(const jobs::RunRecord& run, bool somebody_works);
// The command that brings in what came too late; "" where a later run does by itself.
std::string CommandFor(const warehouse::LeftOutRows& rows, const std::string& project);

// What only the server knows: {"nightly": {"at", "time_zone", "next", "running", "last_error", "left_out"}, "keeper":
// {part: {"removed", "looked_at", "error"}}}.
std::string ServerStatusJson(const NightStatus& night, const nlohmann::json& left_out,
                             const std::map<std::string, KeeperPart>& keeper);

// All of it; the running server is asked for its part, and what it does not answer is null.
Result<nlohmann::json> ProjectStatus(const Config& config, const DataFolder& folder);
std::string StatusText(const nlohmann::json& status);

}  // namespace feedmill::app
