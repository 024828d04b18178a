// Which intervals of which model were made, from what. One row an interval in the metadata store.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "meta/store.h"
#include "warehouse/context.h"

namespace feedmill::warehouse {

std::vector<meta::Migration> WarehouseMigrations();

struct IntervalState {
  std::string model;
  Micros start = 0;  // 0 and 0 for a model that is not incremental
  Micros end = 0;
  std::string status;  // done | refused (a blocking check failed; nothing was published)
  std::string sql_hash;
  std::map<std::string, std::string> inputs;  // table -> hash of the files that the interval reads
  int64_t input_rows = -1;  // of the interval in the input that says which intervals there are; -1: not known
  int64_t snapshot_id = 0;  // of the model's table after publishing; 0 when nothing was published
  int64_t rows = 0;
  int64_t bytes = 0;
  std::string run_id;
  Micros updated_at = 0;
};

Result<std::map<Micros, IntervalState>> LoadIntervals(meta::Store& store, const std::string& model);  // by start
// All of them or none.
Status SaveIntervals(meta::Store& store, const std::vector<IntervalState>& states);
Status ForgetIntervals(meta::Store& store, const std::string& model);
// Those that begin in [from, to).
Status ForgetIntervals(meta::Store& store, const std::string& model, Micros from, Micros to);

// What file_days.h found by reading: by name of a file, its days as JSON.
using FileDayTexts = std::map<std::string, std::string>;
Result<FileDayTexts> LoadFileDays(meta::Store& store, const std::string& table, const std::string& column);
Status SaveFileDays(meta::Store& store, const std::string& table, const std::string& column, const FileDayTexts& added,
                    const FileDayTexts& removed);

// Records of models that have none of these tables ("dwd.dwd_post") and were written before. Returns how many went.
Result<uint64_t> ForgetIntervalsOfOthers(meta::Store& store, const std::vector<std::string>& tables, Micros before);

// Under which name the records of a model stand: its own, or that of its staged ones.
std::string IntervalName(const Context& context, const std::string& model);
// Records of staged tables become those of the published ones: part of the transaction of lake::PublishStaged.
Status PublishStagedIntervals(meta::Transaction& transaction, const Context& context);
// Those of runs that died.
Status ForgetStagedIntervals(meta::Store& store);

}  // namespace feedmill::warehouse
