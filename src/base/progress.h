// How far a long piece of work is, on standard error: a bar with rate and time left on a terminal, a plain line every
// few seconds elsewhere (logs of a build server).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"

namespace feedmill {

class Progress {
 public:
  // `total` in units; 0 = not known (no bar, no time left). `unit` names what is counted: "events".
  Progress(std::string label, uint64_t total, std::string unit);
  // Finishes if nobody did.
  ~Progress();

  // Any thread.
  void Add(uint64_t by) { Update(done_.fetch_add(by, std::memory_order_relaxed) + by); }
  void Set(uint64_t done);
  // Prints the last state with the whole time and ends the line. Later calls do nothing.
  void Finish();

 private:
  void Update(uint64_t done);
  void Print(uint64_t done, bool last);

  const std::string label_;
  const uint64_t total_;
  const std::string unit_;
  const bool terminal_;
  const Micros started_;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<Micros> next_print_;
  Mutex mutex_;
  bool finished_ FEEDMILL_GUARDED_BY(mutex_) = false;
};

// The line's text, apart from where it goes: "import  [#####.....]  50 %  1.2M/2.4M events  310k/s  4 s left".
struct ProgressState {
  std::string_view label;
  std::string_view unit;
  uint64_t done = 0;
  uint64_t total = 0;
  Micros elapsed = 0;
  bool finished = false;
  bool bar = false;
};
std::string ProgressLine(const ProgressState& state);

// 1234567 -> "1.23M"; below 10,000 as it is.
std::string ShortNumber(double value);
// "350 ms", "4.2 s", "3 min 05 s", "2 h 10 min".
std::string ShortDuration(Micros duration);

}  // namespace feedmill
