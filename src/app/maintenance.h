// Housekeeping of a running server: named tasks at intervals, one after another on one thread.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace feedmill::app {

class Maintenance {
 public:
  static constexpr Micros kFirstRunMax = 5 * kMicrosPerMinute;

  explicit Maintenance(Micros first_run_max = kFirstRunMax) : first_run_max_(first_run_max) {}
  ~Maintenance() { Stop(); }
  // Before Start. The first run is one interval after Start, but at most kFirstRunMax: what is due once a day happens
  // in a server that is restarted every day, too. A failure is logged; the task runs again at its time.
  void Add(std::string name, Micros interval, std::function<Status()> task);
  // The same, but the first run is at once.
  void AddAtOnce(std::string name, Micros interval, std::function<Status()> task);
  void Start();
  // Waits for a task that runs. Idempotent.
  void Stop();

 private:
  struct Task {
    std::string name;
    Micros interval = 0;
    std::function<Status()> run;
    bool at_once = false;
    Micros due = 0;  // monotonic
  };
  void Run();
  Micros RunDue();  // returns when the next one is due

  const Micros first_run_max_;
  std::vector<Task> tasks_;  // after Start: maintenance thread only
  Mutex mutex_;
  CondVar wake_;
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace feedmill::app
