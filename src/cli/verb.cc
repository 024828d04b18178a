#include "cli/verb.h"

#include <cstdio>

namespace feedmill::cli {
namespace {
int exit_code = 0;  // written once by the verb that ran, read once by main; one thread
}

void Finish(const Status& status) {
  if (status) return;
  std::fprintf(stderr, "feedmill: %s\n", status.error().message().c_str());
  exit_code = kExitFailed;
}

int ExitCode() { return exit_code; }

void PrintResult(std::string_view json_line) {
  std::fwrite(json_line.data(), 1, json_line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace feedmill::cli
