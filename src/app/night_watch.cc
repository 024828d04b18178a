#include "app/night_watch.h"

#include <algorithm>
#include <utility>

#include "app/work_lock.h"
#include "base/log.h"
#include "base/time_text.h"
#include "jobs/run_store.h"

namespace feedmill::app {
namespace {

constexpr Micros kLook = kMicrosPerSecond;           // how often the clock is asked
constexpr Micros kBusyPause = 5 * kMicrosPerSecond;  // while somebody else works on the tables
constexpr int kRunsLookedAt = 20;

bool Ended(const std::string& state) { return state == "succeeded" || state == "failed"; }

}  // namespace

NightWatch::NightWatch(NightSchedule schedule, NightWatchWiring wiring)
    : schedule_(std::move(schedule)), wiring_(std::move(wiring)) {}

void NightWatch::Start() {
  if (!schedule_.at.empty()) thread_ = std::thread([this] { Watch(); });
}

void NightWatch::Stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

bool NightWatch::Stopping() const {
  const MutexLock lock(mutex_);
  return stopping_;
}

// By the given clock, which may jump, so that it is asked again and again.
bool NightWatch::Wait(Micros until) {
  MutexLock lock(mutex_);
  while (!stopping_ && wiring_.clock->Now() < until) {
    wake_.WaitFor(mutex_, std::min(kLook, until - wiring_.clock->Now()));
  }
  return !stopping_;
}

Result<std::optional<std::vector<std::string>>> NightWatch::Owed() {
  FEEDMILL_ASSIGN(const Micros due, LastNight(schedule_, wiring_.clock->Now()));
  FEEDMILL_ASSIGN(const auto runs, jobs::ListRuns(*wiring_.store, "nightly", kRunsLookedAt));
  if (runs.empty()) return std::nullopt;  // a new project's first night is the next one
  for (const jobs::RunRecord& run : runs) {
    if (run.started_at < due) break;
    if (Ended(run.state)) return std::nullopt;
    return std::vector<std::string>{"--resume", run.id};
  }
  return std::vector<std::string>{};
}

void NightWatch::RunChild(const std::vector<std::string>& more) {
  {
    const MutexLock lock(mutex_);
    running_ = true;
  }
  io::ChildOptions child;
  child.arguments = wiring_.command(more);
  std::string last_words;
  child.on_stderr_line = [&](std::string_view line) {
    if (!line.empty()) last_words = line;
  };
  const auto outcome = wiring_.run_child(child, [this] { return Stopping(); });
  std::string error;
  if (!outcome) error = outcome.error().message();
  if (outcome && !outcome->Succeeded()) error = last_words.empty() ? outcome->ToString() : last_words;
  if (error.empty()) log::Info("the nightly is done");
  if (!error.empty()) log::Warn("the nightly did not succeed", {{"error", error}});
  const MutexLock lock(mutex_);
  running_ = false;
  last_error_ = error;
}

void NightWatch::Watch() {
  auto owed = Owed();
  if (!owed) log::Warn("the last nightly cannot be looked up", {{"error", owed.error().message()}});
  std::optional<std::vector<std::string>> more = owed ? *owed : std::nullopt;
  while (!Stopping()) {
    if (!more) {
      const auto next = NextNight(schedule_, wiring_.clock->Now());
      if (!next) return log::Error("the nightly has no time", {{"error", next.error().message()}});
      {
        const MutexLock lock(mutex_);
        next_ = *next;
      }
      if (!Wait(*next)) return;
      more.emplace();
    }
    const auto holder = FindWorkHolder(wiring_.data_folder);
    if (holder && *holder) {
      MutexLock lock(mutex_);
      wake_.WaitFor(mutex_, kBusyPause, [this]() FEEDMILL_REQUIRES(mutex_) { return stopping_; });
      continue;
    }
    RunChild(*more);
    more.reset();
  }
}

NightStatus NightWatch::Status() const {
  NightStatus status;
  {
    const MutexLock lock(mutex_);
    status.running = running_;
    status.last_error = last_error_;
    if (!schedule_.at.empty()) status.next = next_;
  }
  status.running = status.running || SomebodyWorks(wiring_.data_folder);
  status.at = schedule_.at;
  status.time_zone = schedule_.time_zone;
  const auto runs = jobs::ListRuns(*wiring_.store, "nightly", 1);
  if (runs && !runs->empty()) status.last = runs->front();
  return status;
}

}  // namespace feedmill::app
