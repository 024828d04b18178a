#include "jobs/run_store.h"

#include <algorithm>
#include <array>

namespace feedmill::jobs {
namespace {

using meta::Value;

std::string Text(const Value& value) {
  return std::holds_alternative<std::string>(value) ? std::get<std::string>(value) : "";
}
int64_t Integer(const Value& value) { return std::holds_alternative<int64_t>(value) ? std::get<int64_t>(value) : 0; }

RunRecord RunFromRow(const meta::Row& row) {
  RunRecord run;
  run.id = Text(row[0]);
  run.kind = Text(row[1]);
  run.parameters = Text(row[2]);
  run.state = Text(row[3]);
  run.started_at = Integer(row[4]);
  run.ended_at = Integer(row[5]);
  return run;
}

StepRecord StepFromRow(const meta::Row& row) {
  StepRecord step;
  step.name = Text(row[0]);
  step.state = StepStateFromName(Text(row[1]));
  step.attempts = static_cast<int>(Integer(row[2]));
  step.started_at = Integer(row[3]);
  step.ended_at = Integer(row[4]);
  step.cpu_time = Integer(row[5]);
  step.memory_bytes_peak = static_cast<uint64_t>(Integer(row[6]));
  step.message = Text(row[7]);
  step.result = Text(row[8]);
  step.parts = static_cast<int>(Integer(row[9]));
  step.progress = step.state == StepState::kSucceeded ? 1 : 0;
  return step;
}

}  // namespace

std::vector<meta::Migration> JobsMigrations() {
  return {
      {"jobs/001_runs",
       "CREATE TABLE job_run (id TEXT PRIMARY KEY, kind TEXT NOT NULL, parameters TEXT NOT NULL, state TEXT NOT NULL, "
       "started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL);"
       "CREATE TABLE job_step (run_id TEXT NOT NULL, name TEXT NOT NULL, place INTEGER NOT NULL, state TEXT NOT NULL, "
       "attempts INTEGER NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, cpu_time INTEGER NOT NULL, "
       "memory_bytes_peak INTEGER NOT NULL, message TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (run_id, "
       "name));"},
      {"jobs/002_parts", "ALTER TABLE job_step ADD COLUMN parts INTEGER NOT NULL DEFAULT 1;"}};
}

Status BeginRun(meta::Store& store, const RunRecord& run) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 4> values = {run.id, run.kind, run.parameters, run.started_at};
    FEEDMILL_TRY(
        transaction.Execute("INSERT INTO job_run VALUES (?1, ?2, ?3, 'running', ?4, 0) "
                            "ON CONFLICT (id) DO UPDATE SET state = 'running', ended_at = 0",
                            values));
    std::array<Value, 1> id = {run.id};
    FEEDMILL_TRY(transaction.Execute("DELETE FROM job_step WHERE run_id = ?1 AND state <> 'succeeded'", id));
    return Ok();
  });
}

Status SaveStep(meta::Store& store, const std::string& run_id, int place, const StepRecord& step) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 12> values = {run_id,
                                    step.name,
                                    int64_t{place},
                                    std::string(StepStateName(step.state)),
                                    int64_t{step.attempts},
                                    step.started_at,
                                    step.ended_at,
                                    step.cpu_time,
                                    static_cast<int64_t>(step.memory_bytes_peak),
                                    step.message,
                                    step.result,
                                    int64_t{step.parts}};
    FEEDMILL_TRY(transaction.Execute(
        "INSERT OR REPLACE INTO job_step (run_id, name, place, state, attempts, started_at, ended_at, cpu_time, "
        "memory_bytes_peak, message, result, parts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        values));
    return Ok();
  });
}

Status EndRun(meta::Store& store, const std::string& run_id, const std::string& state, Micros ended_at) {
  return store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 3> values = {run_id, state, ended_at};
    FEEDMILL_TRY(transaction.Execute("UPDATE job_run SET state = ?2, ended_at = ?3 WHERE id = ?1", values));
    return Ok();
  });
}

Result<int64_t> MarkInterrupted(meta::Store& store, Micros now) {
  int64_t marked = 0;
  FEEDMILL_TRY(store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 1> at = {now};
    FEEDMILL_TRY(transaction.Execute(
        "UPDATE job_step SET state = 'stopped', ended_at = ?1, message = 'the run was interrupted' WHERE state IN "
        "('running', 'waiting') AND run_id IN (SELECT id FROM job_run WHERE state = 'running')",
        at));
    FEEDMILL_ASSIGN(marked, transaction.Execute(
                                "UPDATE job_run SET state = 'interrupted', ended_at = ?1 WHERE state = 'running'", at));
    return Ok();
  }));
  return marked;
}

Result<std::vector<std::string>> ForgetRuns(meta::Store& store, Micros began_before, int keep_min) {
  std::vector<std::string> ids;
  FEEDMILL_TRY(store.Write([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 2> limits = {began_before, int64_t{keep_min}};
    FEEDMILL_ASSIGN(const auto rows,
                    transaction.Query("SELECT id FROM job_run WHERE started_at < ?1 AND state <> 'running' AND id NOT "
                                      "IN (SELECT id FROM job_run ORDER BY started_at DESC, id DESC LIMIT ?2)",
                                      limits));
    for (const meta::Row& row : rows) {
      std::array<Value, 1> id = {row[0]};
      FEEDMILL_TRY(transaction.Execute("DELETE FROM job_step WHERE run_id = ?1", id));
      FEEDMILL_TRY(transaction.Execute("DELETE FROM job_run WHERE id = ?1", id));
      ids.push_back(Text(row[0]));
    }
    return Ok();
  }));
  return ids;
}

Result<RunRecord> LoadRun(meta::Store& store, const std::string& run_id) {
  std::vector<meta::Row> runs;
  std::vector<meta::Row> steps;
  FEEDMILL_TRY(store.Read([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 1> id = {run_id};
    FEEDMILL_ASSIGN(
        runs,
        transaction.Query("SELECT id, kind, parameters, state, started_at, ended_at FROM job_run WHERE id = ?1", id));
    FEEDMILL_ASSIGN(
        steps,
        transaction.Query("SELECT name, state, attempts, started_at, ended_at, cpu_time, memory_bytes_peak, message, "
                          "result, parts FROM job_step WHERE run_id = ?1 ORDER BY place",
                          id));
    return Ok();
  }));
  if (runs.empty()) return NotFound("run '{}' is not recorded", run_id);
  RunRecord run = RunFromRow(runs[0]);
  std::ranges::transform(steps, std::back_inserter(run.steps), StepFromRow);
  return run;
}

Result<std::vector<RunRecord>> ListRuns(meta::Store& store, const std::string& kind, int count_max) {
  std::vector<meta::Row> rows;
  FEEDMILL_TRY(store.Read([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 2> values = {kind, int64_t{count_max}};
    FEEDMILL_ASSIGN(rows, transaction.Query("SELECT id, kind, parameters, state, started_at, ended_at FROM job_run "
                                            "WHERE ?1 = '' OR kind = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2",
                                            values));
    return Ok();
  }));
  std::vector<RunRecord> runs;
  std::ranges::transform(rows, std::back_inserter(runs), RunFromRow);
  return runs;
}

Result<StepRecord> LastSuccess(meta::Store& store, const std::string& step) {
  std::vector<meta::Row> rows;
  FEEDMILL_TRY(store.Read([&](meta::Transaction& transaction) -> Status {
    std::array<Value, 1> name = {step};
    FEEDMILL_ASSIGN(
        rows, transaction.Query("SELECT name, state, attempts, started_at, ended_at, cpu_time, memory_bytes_peak, "
                                "message, result, parts FROM job_step WHERE name = ?1 AND state = 'succeeded' ORDER BY "
                                "ended_at DESC, rowid DESC LIMIT 1",
                                name));
    return Ok();
  }));
  if (rows.empty()) return NotFound("step '{}' has never succeeded", step);
  return StepFromRow(rows[0]);
}

}  // namespace feedmill::jobs
