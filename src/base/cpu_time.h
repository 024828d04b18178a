// Time on a processor, of a thread or of the whole process: what the machine's other work does not change.
#pragma once

#include <ctime>

namespace feedmill {

// Microseconds and fractions of them. `whose`: CLOCK_THREAD_CPUTIME_ID or CLOCK_PROCESS_CPUTIME_ID.
inline double CpuMicros(clockid_t whose) {
  timespec now{};
  clock_gettime(whose, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

}  // namespace feedmill
