// Query results as text: a table for people, CSV or JSON lines for programs.
#pragma once

#include <string>

#include "query/engine.h"

namespace feedmill::app {

enum class RowsFormat { kTable, kCsv, kJsonLines };

std::string RowsText(const query::Rows& rows, RowsFormat format);

}  // namespace feedmill::app
