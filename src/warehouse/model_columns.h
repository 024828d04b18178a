// The columns of a project's tables as its SELECTs give them, found without a row and without a lake.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/schema.h"
#include "query/engine.h"
#include "warehouse/project.h"

namespace feedmill::warehouse {

struct ModelColumns {
  std::map<std::string, Schema> tables;  // by model
  std::vector<std::string> faults;       // `file:line: why` or `file: line L, column C: why`
};

// `given` are the columns of tables that no SELECT makes; what reads one that is missing there is left out. A fault is
// a SELECT or a check that names a column which what it reads has not. `session` gets an empty view of every table.
ModelColumns DescribeModels(const Project& project, std::map<std::string, Schema> given, query::Session& session);

// A model's SELECT as it would run of some day.
Result<std::string> SqlOfSomeDay(const Model& model);

// Of a column whose type in the SELECT is another than in the model's table.
std::string OtherType(const Model& model, const Column& selected, ColumnType in_table);

// Columns of a model's SELECT, its variables replaced, over what `session` has.
Result<Schema> DescribeModel(query::Session& session, const Model& model, const std::string& sql);

}  // namespace feedmill::warehouse
