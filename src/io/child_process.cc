#include "io/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/process_memory_internal.h"

extern char** environ;

namespace feedmill::io {
namespace {

constexpr Micros kLookEvery = 50 * kMicrosPerMilli;
constexpr Micros kStopGrace = 5 * kMicrosPerSecond;
constexpr size_t kReadBytes = 64 * 1024;
// A longer line is handed over in pieces.
constexpr size_t kLineBytesMax = 64 * 1024;
constexpr int kExecFailed = 127;

// One of the child's outputs: bytes in, whole lines out.
class LinePump {
 public:
  explicit LinePump(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}

  void Take(std::string_view bytes) {
    while (!bytes.empty()) {
      size_t end = bytes.find('\n');
      pending_.append(bytes.substr(0, end));
      bytes = end == std::string_view::npos ? "" : bytes.substr(end + 1);
      if (end != std::string_view::npos || pending_.size() > kLineBytesMax) HandOver();
    }
  }
  void End() {
    if (!pending_.empty()) HandOver();
  }

 private:
  void HandOver() {
    if (pending_.ends_with('\r')) pending_.pop_back();
    if (on_line_) on_line_(pending_);
    pending_.clear();
  }
  const std::function<void(std::string_view)>& on_line_;
  std::string pending_;
};

// A pipe whose ends are not inherited, except where Spawn says so.
struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  Status Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return Io("pipe: {}", std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
    return Ok();
  }
  void CloseRead() {
    if (read_end >= 0) ::close(std::exchange(read_end, -1));
  }
  void CloseWrite() {
    if (write_end >= 0) ::close(std::exchange(write_end, -1));
  }
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(const ChildOptions& options) {
  std::vector<std::string> all;
  auto replaced = [&](std::string_view entry) {
    return std::ranges::any_of(options.environment,
                               [&](const auto& variable) { return entry.starts_with(variable.first + "="); });
  };
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!replaced(*entry)) all.emplace_back(*entry);
  }
  for (const auto& [name, value] : options.environment) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

// In the child, between vfork and exec: system calls only. Its own group, so that its children are ended with it.
[[noreturn]] void BecomeProgram(char** arguments, char** environment, pid_t parent, int out, int err, int failure) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kExecFailed);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  ::execve(arguments[0], arguments, environment);
  int number = errno;
  [[maybe_unused]] ssize_t told = ::write(failure, &number, sizeof(number));
  ::_exit(kExecFailed);
}

class Child {
 public:
  Child(const ChildOptions& options, const std::function<bool()>& stop_requested)
      : options_(options),
        stop_requested_(stop_requested),
        out_lines_(options.on_stdout_line),
        err_lines_(options.on_stderr_line) {}

  Status Spawn();
  Result<ChildOutcome> Wait();

 private:
  bool Pump(Micros at_most);
  void PumpOne(Pipe* pipe, LinePump* lines);
  void Look();
  void End(ChildOutcome::Kind why, int signal);
  bool Reap();

  const ChildOptions& options_;
  const std::function<bool()>& stop_requested_;
  Pipe out_, err_;
  Pipe end_;  // its read end is the child's pidfd, readable once it ended
  LinePump out_lines_, err_lines_;
  pid_t pid_ = -1;
  Micros started_ = 0;
  Micros next_look_ = 0;
  Micros kill_at_ = 0;  // 0 = not asked to stop
  bool ended_ = false;
  ChildOutcome outcome_;
};

Status Child::Spawn() {
  Pipe failure;
  for (Pipe* pipe : {&out_, &err_, &failure}) FEEDMILL_TRY(pipe->Open());
  std::vector<std::string> arguments = options_.arguments, environment = Environment(options_);
  std::vector<char*> argument_pointers = Pointers(arguments), environment_pointers = Pointers(environment);
  started_ = MonotonicMicros();
  pid_t parent = ::getpid();
  // Not fork: that would copy the page tables of a serving process with gigabytes.
  pid_ = ::vfork();
  if (pid_ < 0) return Io("vfork: {}", std::strerror(errno));
  if (pid_ == 0) {
    BecomeProgram(argument_pointers.data(), environment_pointers.data(), parent, out_.write_end, err_.write_end,
                  failure.write_end);
  }
  out_.CloseWrite();
  err_.CloseWrite();
  failure.CloseWrite();
  int number = 0;
  if (::read(failure.read_end, &number, sizeof(number)) != sizeof(number)) {
    end_.read_end = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    return Ok();
  }
  ::waitpid(pid_, nullptr, 0);
  ErrorKind kind = number == ENOENT   ? ErrorKind::kNotFound
                   : number == EACCES ? ErrorKind::kPermissionDenied
                                      : ErrorKind::kIo;
  return Fail(kind, "start {}: {}", options_.arguments[0], std::strerror(number));
}

Result<ChildOutcome> Child::Wait() {
  while (!Reap()) {
    Pump(kLookEvery);
    if (MonotonicMicros() >= next_look_) Look();
  }
  // Ends what the child left behind, then takes what stands in the pipes.
  ::kill(-pid_, SIGKILL);
  while (Pump(0)) {
  }
  out_lines_.End();
  err_lines_.End();
  outcome_.wall_time = MonotonicMicros() - started_;
  return outcome_;
}

// Waits for output or the child's end; true when there was output.
bool Child::Pump(Micros at_most) {
  // poll ignores negative descriptors. A machine without pidfd notices the end at the next look.
  pollfd wanted[] = {
      {out_.read_end, POLLIN, 0}, {err_.read_end, POLLIN, 0}, {at_most > 0 ? end_.read_end : -1, POLLIN, 0}};
  if (::poll(wanted, 3, static_cast<int>(at_most / kMicrosPerMilli)) <= 0) return false;
  if (wanted[0].revents != 0) PumpOne(&out_, &out_lines_);
  if (wanted[1].revents != 0) PumpOne(&err_, &err_lines_);
  return wanted[0].revents != 0 || wanted[1].revents != 0;
}

void Child::PumpOne(Pipe* pipe, LinePump* lines) {
  char buffer[kReadBytes];
  ssize_t got = ::read(pipe->read_end, buffer, sizeof(buffer));
  if (got > 0) {
    lines->Take({buffer, static_cast<size_t>(got)});
  } else if (got == 0 || errno != EINTR) {
    pipe->CloseRead();
  }
}

// Limits and the wish to stop.
void Child::Look() {
  Micros now = MonotonicMicros();
  next_look_ = now + kLookEvery;
  uint64_t memory = ResidentBytesOfGroup(pid_);
  outcome_.memory_bytes_peak = std::max(outcome_.memory_bytes_peak, memory);
  if (kill_at_ != 0) {
    if (now >= kill_at_) ::kill(-pid_, SIGKILL);
    return;
  }
  if (options_.memory_bytes_max > 0 && memory > options_.memory_bytes_max)
    return End(ChildOutcome::Kind::kKilledForMemory, SIGKILL);
  if (options_.wall_time_max > 0 && now - started_ > options_.wall_time_max)
    return End(ChildOutcome::Kind::kKilledForTime, SIGKILL);
  if (stop_requested_ && stop_requested_()) End(ChildOutcome::Kind::kStopped, SIGTERM);
}

void Child::End(ChildOutcome::Kind why, int signal) {
  outcome_.kind = why;
  ended_ = true;
  kill_at_ = MonotonicMicros() + kStopGrace;
  ::kill(-pid_, signal);
}

bool Child::Reap() {
  int status = 0;
  rusage usage{};
  pid_t reaped = ::wait4(pid_, &status, WNOHANG, &usage);
  if (reaped != pid_) return false;
  auto micros = [](const timeval& time) { return time.tv_sec * kMicrosPerSecond + time.tv_usec; };
  outcome_.cpu_time = micros(usage.ru_utime) + micros(usage.ru_stime);
  // The kernel's own figure catches a peak between two looks.
  outcome_.memory_bytes_peak = std::max(outcome_.memory_bytes_peak, static_cast<uint64_t>(usage.ru_maxrss) * 1024);
  outcome_.exit_code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
  if (!ended_) outcome_.kind = WIFSIGNALED(status) ? ChildOutcome::Kind::kSignalled : ChildOutcome::Kind::kExited;
  return true;
}

}  // namespace

std::string ChildOutcome::ToString() const {
  double seconds = static_cast<double>(wall_time) / kMicrosPerSecond;
  uint64_t peak = memory_bytes_peak >> 20;
  switch (kind) {
    case Kind::kExited:
      return fmt::format("exit code {} after {:.1f} s, peak {} MiB", exit_code, seconds, peak);
    case Kind::kSignalled:
      return fmt::format("ended by signal {} after {:.1f} s, peak {} MiB", exit_code, seconds, peak);
    case Kind::kKilledForMemory:
      return fmt::format("killed: over its memory limit, peak {} MiB, after {:.1f} s", peak, seconds);
    case Kind::kKilledForTime:
      return fmt::format("killed: over its time limit, after {:.1f} s, peak {} MiB", seconds, peak);
    case Kind::kStopped:
      return fmt::format("stopped on request after {:.1f} s", seconds);
  }
  return "unknown";
}

Result<ChildOutcome> RunChild(const ChildOptions& options, const std::function<bool()>& stop_requested) {
  if (options.arguments.empty())
    return InvalidArgument("child process: found no arguments, allowed a program's path first");
  Child child(options, stop_requested);
  FEEDMILL_TRY(child.Spawn());
  return child.Wait();
}

}  // namespace feedmill::io
