// A verb of the command line: one file pair a verb, joined by the list in app/main.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace CLI {
class App;
}

namespace feedmill::cli {

// Adds one subcommand to `app`. Its callback ends by calling Exit: the process's exit code.
using AddVerb = void (*)(CLI::App& app);

// Exit codes, in the help of `feedmill`: 0 done, 1 it failed (the message says why), 2 wrong use.
inline constexpr int kExitFailed = 1;

// Remembers the outcome of the verb that ran; prints `feedmill: <message>` to standard error on failure.
void Finish(const Status& status);
int ExitCode();

// Prints one line of machine-readable result to standard output.
void PrintResult(std::string_view json_line);

}  // namespace feedmill::cli
