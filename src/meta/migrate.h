// Brings a store's tables to the state its rooms expect.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "meta/store.h"

namespace feedmill::meta {

// Whose migrations are given: those of every room that keeps rows in the store, or of some of them.
enum class Rooms { kSome, kAll };

// Applies those of `migrations` that `store` has not recorded, in order, each in one transaction with its record. Safe
// when several processes start at once. kCorrupt when a recorded migration's text differs from the one given;
// kInvalidArgument on a name given twice, and on a recorded one that a newer program has applied: nothing is changed
// then. `path` is for messages.
Status Migrate(Store& store, std::string_view path, std::span<const Migration> migrations, Rooms rooms);

// Splits a script at the semicolons that end its statements: those outside strings, quoted names, comments and trigger
// bodies.
std::vector<std::string_view> SplitStatements(std::string_view script);

}  // namespace feedmill::meta
