// Brings a store's tables to the state its rooms expect.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "meta/store.h"

namespace feedmill::meta {

// Applies those of `migrations` that `store` has not recorded, in order, each in one transaction with its record. Safe
// when several processes start at once. kCorrupt when a recorded migration's text differs from the one given;
// kInvalidArgument on a name given twice. `path` is for messages.
Status Migrate(Store& store, std::string_view path, std::span<const Migration> migrations);

// Splits a script at the semicolons that end its statements: those outside strings, quoted names, comments and trigger
// bodies.
std::vector<std::string_view> SplitStatements(std::string_view script);

}  // namespace feedmill::meta
