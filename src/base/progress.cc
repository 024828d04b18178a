#include "base/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

#include <fmt/format.h>

namespace feedmill {
namespace {

constexpr Micros kTerminalEvery = 100 * kMicrosPerMilli;
constexpr Micros kPlainEvery = 5 * kMicrosPerSecond;
constexpr size_t kBarWidth = 30;

std::string Bar(double share) {
  auto full = static_cast<size_t>(share * kBarWidth);
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "]";
}

}  // namespace

Progress::Progress(std::string label, uint64_t total, std::string unit)
    : label_(std::move(label)),
      total_(total),
      unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) == 1),
      started_(MonotonicMicros()),
      next_print_(started_ + (terminal_ ? kTerminalEvery : kPlainEvery)) {}

Progress::~Progress() { Finish(); }

void Progress::Set(uint64_t done) {
  done_.store(done, std::memory_order_relaxed);
  Update(done);
}

void Progress::Update(uint64_t done) {
  Micros now = MonotonicMicros();
  Micros due = next_print_.load(std::memory_order_relaxed);
  if (now < due) return;
  // Who moves the next time prints; the others go on.
  if (!next_print_.compare_exchange_strong(due, now + (terminal_ ? kTerminalEvery : kPlainEvery))) return;
  Print(done, false);
}

void Progress::Finish() { Print(done_.load(std::memory_order_relaxed), true); }

void Progress::Print(uint64_t done, bool last) {
  MutexLock lock(mutex_);
  if (finished_) return;
  finished_ = last;
  std::string line = ProgressLine({.label = label_,
                                   .unit = unit_,
                                   .done = done,
                                   .total = total_,
                                   .elapsed = MonotonicMicros() - started_,
                                   .finished = last,
                                   .bar = terminal_});
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}{}", line, last ? "\n" : "");
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

std::string ProgressLine(const ProgressState& state) {
  double seconds = static_cast<double>(std::max<Micros>(1, state.elapsed)) / kMicrosPerSecond;
  double rate = static_cast<double>(state.done) / seconds;
  std::string line(state.label);
  if (state.total > 0) {
    double share = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
    if (state.bar) line += "  " + Bar(share);
    line += fmt::format("  {:3.0f} %  {}/{} {}", share * 100, ShortNumber(static_cast<double>(state.done)),
                        ShortNumber(static_cast<double>(state.total)), state.unit);
  } else {
    line += fmt::format("  {} {}", ShortNumber(static_cast<double>(state.done)), state.unit);
  }
  line += fmt::format("  {}/s", ShortNumber(rate));
  if (state.finished) return line + "  in " + ShortDuration(state.elapsed);
  if (state.total > state.done && rate > 0) {
    double left = static_cast<double>(state.total - state.done) / rate;
    line += fmt::format("  {} left", ShortDuration(static_cast<Micros>(left * kMicrosPerSecond)));
  }
  return line;
}

std::string ShortNumber(double value) {
  if (value < 100) return fmt::format("{:.3g}", value);
  if (value < 10'000) return fmt::format("{:.0f}", value);
  if (value < 999.5e3) return fmt::format("{:.3g}k", value / 1e3);
  if (value < 999.5e6) return fmt::format("{:.3g}M", value / 1e6);
  return fmt::format("{:.3g}G", value / 1e9);
}

std::string ShortDuration(Micros duration) {
  if (duration < kMicrosPerMilli) return fmt::format("{} us", duration);
  if (duration < kMicrosPerSecond) return fmt::format("{} ms", duration / kMicrosPerMilli);
  if (duration < kMicrosPerMinute) return fmt::format("{:.1f} s", static_cast<double>(duration) / kMicrosPerSecond);
  int64_t seconds = duration / kMicrosPerSecond;
  if (duration < kMicrosPerHour) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

}  // namespace feedmill
