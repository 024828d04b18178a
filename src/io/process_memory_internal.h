// What /proc tells of processes.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace feedmill::io {

// Resident bytes of all processes of a process group, summed. Pages that two of them share count twice. 0 when there is
// none.
uint64_t ResidentBytesOfGroup(pid_t group);

}  // namespace feedmill::io
