// How far a run is, on standard error: a bar per running step on a terminal, a line at each step's end elsewhere.
#pragma once

#include <memory>
#include <string>

#include "jobs/step.h"

namespace feedmill::jobs {

class TerminalProgress {
 public:
  TerminalProgress();
  ~TerminalProgress();
  // For RunOptions::on_change. One thread at a time.
  void Show(const RunRecord& run, const StepRecord& step);

 private:
  bool terminal_;
  bool bar_shown_ = false;
};

// "[ 3/14] dwd_user_action  [######......]  52 %" and "[ 3/14] dwd_user_action  succeeded  12.3 s  812 MiB".
std::string BarLine(const RunRecord& run, const StepRecord& step);
std::string EndLine(const RunRecord& run, const StepRecord& step);

}  // namespace feedmill::jobs
