// Which threads give way when the processors are short.
#pragma once

namespace feedmill {

// Work that may wait a little (larger bodies), and work that may wait long (imports, landing, housekeeping): steps
// below what users wait for.
inline constexpr int kPatientNiceness = 5;
inline constexpr int kBackgroundNiceness = 10;

// Lowers the calling thread's share of the processors by so many steps of nice(1), for good: once a thread. Child
// processes that it starts inherit it. Does nothing where the system forbids it.
void LowerThreadPriority(int by);

}  // namespace feedmill
