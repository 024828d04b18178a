// The tables that a project's SQL makes beside what reads them: other SQL, checks, and the platform's own steps.
#pragma once

#include <string>
#include <vector>

#include "app/project.h"
#include "base/result.h"
#include "features/feature_set.h"
#include "ingest/tracking_plan.h"
#include "lake/catalog.h"
#include "query/engine.h"
#include "warehouse/model_columns.h"

namespace feedmill::app {

// Columns of every table, found without a row. Raw tables have the columns of the plan, and those that `catalog` (none:
// null) knows from earlier plans; tables of native steps those that it knows. `session` gets an empty view of each.
Result<warehouse::ModelColumns> DescribeTables(const warehouse::Project& project, const ingest::TrackingPlan& plan,
                                               lake::Catalog* catalog, query::Session& session);

// kInvalidArgument: columns that the platform's own steps read (domain/table_contract.h, and features of kind category)
// and the SELECTs do not give, or of another type; a line each. What stood in the table before would go on as null, and
// nobody would know.
Status CheckColumnsRead(const warehouse::Project& project, const warehouse::ModelColumns& columns,
                        const features::FeatureSet& set);

// kInvalidArgument: SELECTs and checks that could not run, and columns of another type than their table in `catalog`
// (null: none) has; a line each. A night says so at the step.
Status CheckSelects(const warehouse::Project& project, const warehouse::ModelColumns& columns, lake::Catalog* catalog);

// `file:line: ...` of names of events that SELECTs compare with and the tracking plan has not: a slip, or of the past.
std::vector<std::string> UnknownEvents(const warehouse::Project& project, const ingest::TrackingPlan& plan,
                                       query::Session& session);

}  // namespace feedmill::app
