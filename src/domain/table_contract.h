// What the platform's own steps read of the tables that a project's SQL makes. Names follow from the domain.
#pragma once

#include <string>
#include <vector>

#include "data/schema.h"
#include "domain/domain.h"

namespace feedmill::domain {

struct ReadColumn {
  std::string table;  // "dwd_user_action"
  std::string column;
  std::vector<ColumnType> types;  // what it may be; empty: anything
  std::string reason;             // the entry of domain.toml that asks for it; empty: every domain does
};

// By table, each column once. A table that a project has no model of is not read.
std::vector<ReadColumn> ColumnsRead(const Domain& domain);

}  // namespace feedmill::domain
