// How many files and sockets this process may have open.
#pragma once

#include "base/result.h"

namespace feedmill::io {

// Raises the soft limit of open descriptors as far as the system lets it and returns what holds now. Threads: at start.
Result<int> RaiseDescriptorLimit();

// The most connections (those that wait for their 503 counted, see HttpRefusedMax) that leave `reserved` descriptors of
// `limit` for files, and at most `wanted`; 0 when there is no room.
int ConnectionsWithin(int limit, int reserved, int wanted);

}  // namespace feedmill::io
