// The store's file as a whole: opened with the migrations of every room, copied, checked.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "meta/store.h"

namespace feedmill::meta {

// OpenStore for a program that knows every room: `migrations` are those of all of them, and a recorded one that is not
// among them is refused.
Result<std::unique_ptr<Store>> OpenWholeStore(const std::string& path, std::span<const Migration> migrations);

// Writes what is committed in the store at `from` into the new file `to`, durably, while others may write to `from`.
Status CopyStore(const std::string& from, const std::string& to);

// Brings what is committed from the write-ahead log into the file itself, for those who lose the former; waits for
// nobody. False when a reader or another process keeps some of it out.
Result<bool> SettleStore(Store& store);

// kCorrupt names what SQLite's own check of the file's structure finds.
Status CheckStore(const std::string& path);

}  // namespace feedmill::meta
