// What the program says when it cannot go on: it has no memory, or the system starts no thread for it.
#pragma once

namespace feedmill::app {

// From now on an exception that nobody catches ends the program with a line that names memory or threads and the limits
// found, and exit code 1; what is no matter of means ends with a line and a core, as a fault of the program should.
void PrepareLastWords();

}  // namespace feedmill::app
