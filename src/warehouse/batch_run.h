// One run of a model's SELECT for neighbouring intervals: compute, stage, audit, publish.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "query/engine.h"
#include "warehouse/model_job.h"

namespace feedmill::warehouse {

struct Batch {
  Micros start = 0;  // a full model: 0
  Micros end = 0;
  std::vector<PendingInterval> intervals;
};

// Neighbours joined, at most model.batch intervals each; a month of them where that is more and the input has few rows.
std::vector<Batch> MakeBatches(const Model& model, const std::vector<PendingInterval>& intervals);

class BatchRun {
 public:
  BatchRun(const Context& context, const Project& project, const Model& model, const std::string& run_id, int parts)
      : context_(context), project_(project), model_(model), run_id_(run_id), parts_(parts) {}

  // Adds to `result`. Either the table has the whole batch or it is as before.
  Status Run(query::Session& session, InputFiles& inputs, const Batch& batch, ModelJobResult* result);

 private:
  Status RegisterInputs(query::Session& session, InputFiles& inputs, const Batch& batch);
  Result<Variables> VariablesOf(InputFiles& inputs, const Batch& batch, int part) const;
  Status RegisterSelf(query::Session& session, const TableState& table);
  Status EnsureTable(query::Session& session, const std::string& sql);
  // The SELECT for each part, or once when it names no part.
  Result<std::vector<std::string>> SqlOfParts(InputFiles& inputs, const Batch& batch) const;
  Result<std::vector<lake::DataFile>> Write(query::Session& session, const Batch& batch,
                                            const std::vector<std::string>& parts);
  Status CheckPartitions(const Batch& batch, const std::vector<lake::DataFile>& files) const;
  Status Audit(query::Session& session, InputFiles& inputs, const Batch& batch,
               const std::vector<lake::DataFile>& files, ModelJobResult* result);
  Result<DayVolumes> Volumes(InputFiles& inputs, const Batch& batch, const std::vector<lake::DataFile>& files) const;
  Result<lake::Snapshot> Publish(InputFiles& inputs, const Batch& batch, const std::vector<lake::DataFile>& files);
  Error InFile(const Error& error) const;

  const Context& context_;
  const Project& project_;
  const Model& model_;
  const std::string& run_id_;
  int parts_;
  lake::TableDescription table_;
};

}  // namespace feedmill::warehouse
