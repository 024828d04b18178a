// The nightly of a running server: `feedmill run` as a child process at its time of day, so that it is the same nightly
// as by hand and takes nothing from the server's memory. What a restart interrupted goes on at once.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/night_schedule.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "io/child_process.h"
#include "jobs/step.h"
#include "meta/store.h"

namespace feedmill::app {

struct NightWatchWiring {
  const Clock* clock = nullptr;
  meta::Store* store = nullptr;
  std::string data_folder;
  // `feedmill run` with these arguments added.
  std::function<std::vector<std::string>(const std::vector<std::string>& more)> command;
  // How a child is run; tests put a twin here.
  std::function<Result<io::ChildOutcome>(const io::ChildOptions&, const std::function<bool()>&)> run_child;
};

struct NightStatus {
  std::string at;  // "" = it does not run by itself
  std::string time_zone;
  std::optional<Micros> next;           // when it will run
  bool running = false;                 // somebody works on the tables now, by whomever started
  std::optional<jobs::RunRecord> last;  // newest nightly, by whomever, without its steps
  std::string last_error;               // of the last child of this server that failed: its last words
};

class NightWatch {
 public:
  // `schedule` was checked. Nothing runs before Start; with an empty `at` nothing ever does.
  NightWatch(NightSchedule schedule, NightWatchWiring wiring);
  ~NightWatch() { Stop(); }
  void Start();
  // Asks a running child to stop and waits for it; the run goes on after the next start. Idempotent.
  void Stop();
  NightStatus Status() const;

 private:
  void Watch();
  // Arguments of the run that is owed now: one that was interrupted or missed; nothing when none is.
  Result<std::optional<std::vector<std::string>>> Owed();
  void RunChild(const std::vector<std::string>& more);
  bool Wait(Micros until);  // false when stopping
  bool Stopping() const;

  const NightSchedule schedule_;
  const NightWatchWiring wiring_;
  mutable Mutex mutex_;
  CondVar wake_;
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  bool running_ FEEDMILL_GUARDED_BY(mutex_) = false;
  std::string last_error_ FEEDMILL_GUARDED_BY(mutex_);
  std::optional<Micros> next_ FEEDMILL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace feedmill::app
