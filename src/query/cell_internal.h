// Small results as boxed cells, for people and tests.
#pragma once

#include "query/duckdb_handles_internal.h"
#include "query/engine.h"

namespace feedmill::query {

// Names and nearest table types of a result's columns; a type that no table can hold is told as string or double.
Schema ColumnsForPeople(OwnedResult& result);
// Boxes the chunk's rows. Wide integers and decimals come as BIGINT when they fit and are whole by type, else as
// DOUBLE.
void AppendCells(OwnedResult& result, duckdb_data_chunk chunk, Rows* rows);

}  // namespace feedmill::query
