#include "jobs/runner.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <thread>

#include "base/mutex.h"
#include "jobs/run_store.h"
#include "jobs/step_protocol.h"

namespace feedmill::jobs {
namespace {

constexpr Micros kStopPollInterval = 100 * kMicrosPerMilli;
// A last success that needed less than this share of its memory begins in half as many parts next time.
constexpr uint64_t kRoomyShare = 3;

// What the kernel does when the machine has no memory left looks like SIGKILL from nowhere.
bool LackedMemory(const io::ChildOutcome& outcome) {
  switch (outcome.kind) {
    case io::ChildOutcome::Kind::kKilledForMemory:
      return true;
    case io::ChildOutcome::Kind::kSignalled:
      return outcome.exit_code == SIGKILL;
    case io::ChildOutcome::Kind::kExited:
      return outcome.exit_code == kExitOutOfMemory;
    default:
      return false;
  }
}

class Runner {
 public:
  Runner(meta::Store& store, const Clock& clock, std::vector<Step> steps, const RunOptions& options)
      : store_(store), clock_(clock), steps_(std::move(steps)), options_(options) {}

  Result<RunRecord> Run() {
    FEEDMILL_TRY(Begin());
    std::vector<std::jthread> workers;
    for (int i = 0; i < std::max(1, options_.parallel_max); ++i) workers.emplace_back([this] { Work(); });
    workers.clear();
    const MutexLock lock(mutex_);
    if (failure_) return std::unexpected(*failure_);
    run_.state = FinalState();
    run_.ended_at = clock_.Now();
    FEEDMILL_TRY(EndRun(store_, run_.id, run_.state, run_.ended_at));
    return run_;
  }

 private:
  Status Begin() {
    const MutexLock lock(mutex_);
    run_.id = options_.run_id;
    run_.kind = options_.kind;
    run_.parameters = options_.parameters;
    run_.state = "running";
    run_.started_at = clock_.Now();
    std::map<std::string, StepRecord> former;
    if (auto recorded = LoadRun(store_, run_.id)) {
      run_.started_at = recorded->started_at;
      for (StepRecord& step : recorded->steps) former[step.name] = std::move(step);
    } else if (recorded.error().kind() != ErrorKind::kNotFound) {
      return std::unexpected(recorded.error());
    }
    FEEDMILL_TRY(BeginRun(store_, run_));
    for (const Step& step : steps_) {
      auto found = former.find(step.name);
      bool done = found != former.end() && found->second.state == StepState::kSucceeded;
      StepRecord record;
      record.name = step.name;
      run_.steps.push_back(done ? found->second : record);
    }
    for (size_t i = 0; i < steps_.size(); ++i)
      FEEDMILL_TRY(SaveStep(store_, run_.id, static_cast<int>(i), run_.steps[i]));
    return Ok();
  }

  bool Stopping() const { return options_.stop_requested && options_.stop_requested(); }

  // One worker thread: takes steps that may run until none is left.
  void Work() {
    while (auto next = TakeStep()) {
      StepRecord record = Execute(steps_[*next], *next);
      MutexLock lock(mutex_);
      Publish(*next, std::move(record));
      changed_.NotifyAll();
    }
  }

  std::optional<size_t> TakeStep() {
    MutexLock lock(mutex_);
    while (true) {
      SettleBlocked();
      bool waiting =
          std::ranges::any_of(run_.steps, [](const StepRecord& step) { return step.state == StepState::kWaiting; });
      if (!waiting || failure_) {
        changed_.NotifyAll();
        return std::nullopt;
      }
      for (size_t i = 0; i < steps_.size(); ++i) {
        if (run_.steps[i].state != StepState::kWaiting || !Ready(steps_[i])) continue;
        StepRecord record = run_.steps[i];
        record.state = StepState::kRunning;
        record.started_at = clock_.Now();
        Publish(i, std::move(record));
        return i;
      }
      changed_.WaitFor(mutex_, kStopPollInterval);
    }
  }

  StepState StateOf(const std::string& name) const FEEDMILL_REQUIRES(mutex_) {
    return std::ranges::find(run_.steps, name, &StepRecord::name)->state;
  }

  bool Ready(const Step& step) const FEEDMILL_REQUIRES(mutex_) {
    return std::ranges::all_of(step.after, [&](const std::string& name) FEEDMILL_REQUIRES(mutex_) {
      return StateOf(name) == StepState::kSucceeded;
    });
  }

  // Waiting steps that can never run are skipped, with the reason; when the run is stopping they are stopped. Steps are
  // in order, so one pass reaches all.
  void SettleBlocked() FEEDMILL_REQUIRES(mutex_) {
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (run_.steps[i].state != StepState::kWaiting) continue;
      StepRecord record = run_.steps[i];
      if (Stopping()) {
        record.state = StepState::kStopped;
        record.message = "the run was asked to stop";
      } else {
        for (const std::string& name : steps_[i].after) {
          StepState needed = StateOf(name);
          if (needed != StepState::kFailed && needed != StepState::kSkipped && needed != StepState::kStopped) continue;
          record.state = StepState::kSkipped;
          record.message =
              fmt::format("needs '{}', which {}", name, needed == StepState::kFailed ? "failed" : "was not run");
          break;
        }
      }
      if (record.state != StepState::kWaiting) Publish(i, std::move(record));
    }
  }

  void Publish(size_t place, StepRecord record) FEEDMILL_REQUIRES(mutex_) {
    run_.steps[place] = std::move(record);
    if (auto saved = SaveStep(store_, run_.id, static_cast<int>(place), run_.steps[place]); !saved && !failure_)
      failure_ = saved.error();
    if (options_.on_change) options_.on_change(run_, run_.steps[place]);
  }

  void NoteProgress(size_t place, double progress) {
    MutexLock lock(mutex_);
    run_.steps[place].progress = progress;
    if (options_.on_change) options_.on_change(run_, run_.steps[place]);
  }

  StepRecord Execute(const Step& step, size_t place) {
    StepRecord record;
    {
      MutexLock lock(mutex_);
      record = run_.steps[place];
    }
    Micros backoff = step.backoff;
    int attempts_left = std::max(1, step.attempts_max);
    record.attempts = 0;
    record.parts = FirstParts(step);
    while (true) {
      ++record.attempts;
      const Retry retry = Attempt(step, place, &record);
      if (record.state != StepState::kFailed || retry == Retry::kUseless) break;
      if (retry == Retry::kInSmallerParts) {
        // The same way it would end the same way.
        record.parts *= 2;
        continue;
      }
      if (--attempts_left == 0) break;
      if (!Sleep(backoff)) {
        record.state = StepState::kStopped;
        break;
      }
      backoff *= 2;
    }
    record.ended_at = clock_.Now();
    if (record.state == StepState::kSucceeded) record.progress = 1;
    return record;
  }

  int FirstParts(const Step& step) {
    if (step.parts_max <= 1) return 1;
    const auto last = LastSuccess(store_, step.name);
    if (!last) return 1;
    const bool roomy = last->memory_bytes_peak < step.memory_bytes_max / kRoomyShare;
    return std::clamp(roomy ? last->parts / 2 : last->parts, 1, step.parts_max);
  }

  enum class Retry { kUseless, kTheSame, kInSmallerParts };

  Retry Attempt(const Step& step, size_t place, StepRecord* record) {
    io::ChildOptions child;
    child.arguments = step.arguments;
    child.memory_bytes_max = step.memory_bytes_max;
    child.wall_time_max = step.wall_time_max;
    if (step.memory_bytes_max > 0)
      child.environment.emplace_back(kMemoryVariable, std::to_string(step.memory_bytes_max));
    if (step.parts_max > 1) child.environment.emplace_back(kPartsVariable, std::to_string(record->parts));
    std::string error;
    std::string last_words;
    child.on_stdout_line = [&](std::string_view line) {
      auto said = ParseStepLine(line);
      if (!said) return;
      if (said->progress) NoteProgress(place, *said->progress);
      if (!said->result.empty()) record->result = said->result;
      if (!said->error.empty()) error = said->error;
    };
    child.on_stderr_line = [&](std::string_view line) { last_words = line; };
    auto run_child = options_.run_child ? options_.run_child : io::RunChild;
    auto outcome = run_child(child, [this] { return Stopping(); });
    if (!outcome) {
      record->state = StepState::kFailed;
      record->message = outcome.error().ToString();
      return Retry::kTheSame;
    }
    record->cpu_time = outcome->cpu_time;
    record->memory_bytes_peak = std::max(record->memory_bytes_peak, outcome->memory_bytes_peak);
    record->state = StateAfter(*outcome);
    if (record->state == StepState::kSucceeded) {
      record->message.clear();
    } else if (!error.empty()) {
      record->message = error;
    } else {
      record->message =
          last_words.empty() ? outcome->ToString() : fmt::format("{}: {}", outcome->ToString(), last_words);
    }
    record->permanent = record->state == StepState::kFailed && outcome->kind == io::ChildOutcome::Kind::kExited &&
                        outcome->exit_code == kExitPermanent;
    if (record->state != StepState::kFailed) return Retry::kUseless;
    if (LackedMemory(*outcome)) {
      if (record->parts * 2 <= step.parts_max) return Retry::kInSmallerParts;
      record->message += fmt::format(" (in {} part{})", record->parts, record->parts == 1 ? "" : "s");
      // The machine may have more memory in a moment; a limit of ours stays what it is.
      return outcome->kind == io::ChildOutcome::Kind::kSignalled ? Retry::kTheSame : Retry::kUseless;
    }
    return record->permanent ? Retry::kUseless : Retry::kTheSame;
  }

  static StepState StateAfter(const io::ChildOutcome& outcome) {
    if (outcome.kind == io::ChildOutcome::Kind::kStopped) return StepState::kStopped;
    return outcome.Succeeded() ? StepState::kSucceeded : StepState::kFailed;
  }

  // False when the run is asked to stop meanwhile.
  bool Sleep(Micros duration) {
    Micros until = MonotonicMicros() + duration;
    while (MonotonicMicros() < until) {
      if (Stopping()) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(kStopPollInterval, until - MonotonicMicros())));
    }
    return true;
  }

  std::string FinalState() const FEEDMILL_REQUIRES(mutex_) {
    auto any = [&](StepState state) FEEDMILL_REQUIRES(mutex_) {
      return std::ranges::find(run_.steps, state, &StepRecord::state) != run_.steps.end();
    };
    if (any(StepState::kStopped)) return "stopped";
    return any(StepState::kFailed) || any(StepState::kSkipped) ? "failed" : "succeeded";
  }

  meta::Store& store_;
  const Clock& clock_;
  const std::vector<Step> steps_;
  const RunOptions& options_;
  Mutex mutex_;
  CondVar changed_;
  RunRecord run_ FEEDMILL_GUARDED_BY(mutex_);
  std::optional<Error> failure_ FEEDMILL_GUARDED_BY(mutex_);
};

}  // namespace

Result<RunRecord> RunSteps(meta::Store& store, const Clock& clock, std::vector<Step> steps, const RunOptions& options) {
  if (options.run_id.empty()) return InvalidArgument("a run needs an id");
  FEEDMILL_ASSIGN(std::vector<Step> ordered, OrderSteps(std::move(steps)));
  return Runner(store, clock, std::move(ordered), options).Run();
}

}  // namespace feedmill::jobs
