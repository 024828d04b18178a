#include "app/maintenance.h"

#include <algorithm>

#include "base/log.h"
#include "base/thread_priority.h"

namespace feedmill::app {

void Maintenance::Add(std::string name, Micros interval, std::function<Status()> task) {
  tasks_.push_back({std::move(name), interval, std::move(task)});
}

void Maintenance::AddAtOnce(std::string name, Micros interval, std::function<Status()> task) {
  tasks_.push_back({std::move(name), interval, std::move(task), true});
}

void Maintenance::Start() {
  const Micros now = MonotonicMicros();
  for (Task& task : tasks_) task.due = task.at_once ? now : now + std::min(task.interval, first_run_max_);
  thread_ = std::thread([this] { Run(); });
}

void Maintenance::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

Micros Maintenance::RunDue() {
  Micros next = MonotonicMicros() + kMicrosPerHour;
  for (Task& task : tasks_) {
    if (task.due <= MonotonicMicros()) {
      const Status done = task.run();
      if (!done) log::Warn("housekeeping failed", {{"task", task.name}, {"error", done.error().message()}});
      task.due = MonotonicMicros() + task.interval;
    }
    next = std::min(next, task.due);
  }
  return next;
}

void Maintenance::Run() {
  LowerThreadPriority(kPatientNiceness);
  MutexLock lock(mutex_);
  while (!stopping_) {
    lock.Unlock();
    const Micros pause = std::max<Micros>(1, RunDue() - MonotonicMicros());
    lock.Lock();
    wake_.WaitFor(mutex_, pause, [this]() FEEDMILL_REQUIRES(mutex_) { return stopping_; });
  }
}

}  // namespace feedmill::app
