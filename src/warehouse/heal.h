// Doubles in a table to which rows are only ever added: two runs at once have made some, in folders of former releases.
#pragma once

#include <cstdint>

#include "query/engine.h"
#include "warehouse/context.h"
#include "warehouse/model_file.h"

namespace feedmill::warehouse {

// Of rows with one key the first stays, in the order of the columns. A number in front of the key (the first column,
// when it is a BIGINT that is no part of the key) is unique afterwards as well: of rows with one number the first keeps
// it, the others get numbers above all. Published as one commit; nothing happens without doubles. Returns the rows that
// went or got another number.
Result<int64_t> HealDoubles(const Context& context, const Model& model, const std::string& run_id,
                            query::Session& session);

}  // namespace feedmill::warehouse
