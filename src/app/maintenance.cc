#include "app/maintenance.h"

#include <algorithm>
#include <chrono>

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
  for (Task& task : tasks_) task.due = task.at_once ? now : now + task.interval;
  thread_ = std::thread([this] { Run(); });
}

void Maintenance::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
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
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    const Micros pause = std::max<Micros>(1, RunDue() - MonotonicMicros());
    lock.lock();
    wake_.wait_for(lock, std::chrono::microseconds(pause), [this] { return stopping_; });
  }
}

}  // namespace feedmill::app
