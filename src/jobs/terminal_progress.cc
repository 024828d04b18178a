#include "jobs/terminal_progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "base/progress.h"

namespace feedmill::jobs {
namespace {

constexpr int kBarWidth = 24;

std::string Place(const RunRecord& run) {
  auto ended = std::ranges::count_if(run.steps, [](const StepRecord& step) {
    return step.state != StepState::kWaiting && step.state != StepState::kRunning;
  });
  return fmt::format("[{:>2}/{}]", ended, run.steps.size());
}

}  // namespace

std::string BarLine(const RunRecord& run, const StepRecord& step) {
  int filled = std::clamp(static_cast<int>(step.progress * kBarWidth), 0, kBarWidth);
  return fmt::format("{} {:<24} [{}{}] {:>3.0f} %", Place(run), step.name,
                     std::string(static_cast<size_t>(filled), '#'),
                     std::string(static_cast<size_t>(kBarWidth - filled), '.'), step.progress * 100);
}

std::string EndLine(const RunRecord& run, const StepRecord& step) {
  std::string line = fmt::format("{} {:<24} {:<9}", Place(run), step.name, StepStateName(step.state));
  if (step.started_at > 0 && step.ended_at > 0) {
    line +=
        fmt::format("  {:>9}  {:>6} MiB", ShortDuration(step.ended_at - step.started_at), step.memory_bytes_peak >> 20);
  }
  if (step.attempts > 1) line += fmt::format("  {} attempts", step.attempts);
  if (!step.message.empty()) line += "  " + step.message;
  return line;
}

TerminalProgress::TerminalProgress() : terminal_(isatty(STDERR_FILENO) == 1) {}

TerminalProgress::~TerminalProgress() {
  if (bar_shown_) std::fputs("\r\033[K", stderr);
}

void TerminalProgress::Show(const RunRecord& run, const StepRecord& step) {
  if (step.state == StepState::kWaiting) return;
  if (step.state == StepState::kRunning) {
    if (!terminal_) return;
    fmt::print(stderr, "\r\033[K{}", BarLine(run, step));
    std::fflush(stderr);
    bar_shown_ = true;
    return;
  }
  if (bar_shown_) std::fputs("\r\033[K", stderr);
  bar_shown_ = false;
  fmt::print(stderr, "{}\n", EndLine(run, step));
}

}  // namespace feedmill::jobs
