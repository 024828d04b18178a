// Which days the rows of data files are of, by a column of times: from the files' partitions and statistics where these
// say it, else from the rows, once a file and then remembered in the metadata store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/event_days.h"
#include "base/result.h"
#include "lake/table.h"
#include "query/engine.h"
#include "warehouse/context.h"

namespace feedmill::warehouse {

// A file's path below its table's data/: what it is known by wherever the data folder lies. The last part alone is not
// enough: one batch writes files of one name into several partitions.
std::string FileName(const lake::DataFile& file);

class FileDays {
 public:
  explicit FileDays(const Context& context) : context_(context) {}

  // For each of the files of the table, in their order. Rows without a time are of no day. What was remembered of files
  // that are not among them is forgotten.
  Result<std::vector<DayRows>> Of(const std::string& table, const lake::PartitionSpec& partition, const Schema& schema,
                                  const std::string& column, const std::vector<lake::DataFile>& files);

 private:
  Result<DayRows> Read(const Schema& schema, const std::string& column, const lake::DataFile& file);

  const Context& context_;
  std::unique_ptr<query::Engine> engine_;  // made when a file has to be read
  std::unique_ptr<query::Session> session_;
};

}  // namespace feedmill::warehouse
