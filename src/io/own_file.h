// Files that have several names (hard links) may be part of other folders too, such as backups that share what did not
// change: what is written in place must be this folder's own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace feedmill::io {

// Gives `path` bytes of its own, durably, when the file has other names; these keep what they have. Nothing to do when
// it has none or is not there. Nobody may write to it meanwhile.
Status GiveOwnFile(const std::string& path);

// The same for several files of one folder, for any process that calls it before it opens them.
Status GiveOwnFiles(const std::string& folder, const std::vector<std::string>& names);

// Opens the file `path` (made when it is not there, for its owner only) and locks it by `try_lock`, whose errno says
// why it could not. The file of the lock is never one with other names: whoever works in a copy is nobody's rival.
// Returns a descriptor, the caller's to close; kUnavailable when another has the lock.
Result<int> OpenLocked(const std::string& path, const std::function<bool(int descriptor)>& try_lock);

}  // namespace feedmill::io
