// Joins landing to the query engine: rows of the raw tables become Parquet files.
#pragma once

#include <memory>

#include "ingest/row_writer.h"
#include "query/engine.h"

namespace feedmill::app {

// `session` and `catalog` outlive the function and what it opens; one thread at a time.
ingest::OpenRowWriter OpenParquetRows(query::Session& session, lake::Catalog& catalog);

}  // namespace feedmill::app
