// The tables the replay writes: their columns and how rows are put into them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "features/replay.h"
#include "features/replay_input_internal.h"

namespace feedmill::features {

// Rows into a table whose columns may be more than the ones written: those of dropped features become null.
class TableWriter {
 public:
  // Creates the table or adds the columns it lacks; removes what a failed try of the same run wrote.
  static Result<TableWriter> Open(query::Session& session, const ReplayArguments& arguments, const std::string& table,
                                  const Schema& columns, const lake::PartitionSpec& partition,
                                  const std::string& file_stem);
  // In the order of the columns given to Open; EndRow after the last.
  query::ParquetWriter& writer() { return *writer_; }
  size_t place(size_t column) const { return places_[column]; }
  Status EndRow();
  // Rows from here on go into other files, so that what is buffered for those of this day gives its memory back.
  Status EndFiles();
  // Publishes the rows in place of those of `days` (of the whole table when it has no partitions).
  Status Commit(const std::vector<std::vector<std::optional<int64_t>>>& days);
  int64_t rows() const { return rows_; }

 private:
  Status OpenFiles();

  query::Session* session_ = nullptr;
  lake::Catalog* catalog_ = nullptr;
  std::string table_;
  std::string file_stem_;
  std::unique_ptr<query::ParquetWriter> writer_;
  std::vector<lake::DataFile> files_;
  std::vector<size_t> places_;  // of the given columns in the table
  std::vector<size_t> absent_;  // columns of the table that nobody gives
  int64_t rows_ = 0;
};

// kInvalidArgument: a label that the samples cannot have.
Status CheckLabels(const domain::Domain& domain);
// With a column for each label, named like its action, in the order of Domain::Labelled.
Schema SampleColumns(const FeatureSet& set);
Status WriteSample(const ImpressionSlice& slice, const Impression& impression, std::span<const float> features,
                   TableWriter* table);

Schema DumpColumns(const FeatureSet& set, CounterKey key);
// Name of the dump's table: "ads.ads_user_features".
std::string DumpTable(const domain::Domain& domain, CounterKey key);
// Of users, those of the part; of posts and authors all.
Status WriteDump(query::Session& session, const ReplayArguments& arguments, CounterKey key, UserPart part,
                 const ReplayState& state, TableWriter* table);

}  // namespace feedmill::features
