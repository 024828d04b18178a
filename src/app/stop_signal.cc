#include "app/stop_signal.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace feedmill::app {
namespace {

// A signal handler may only touch these.
std::atomic<int> signals_seen = 0;
int wake_pipe[2] = {-1, -1};

void OnSignal(int) {
  if (signals_seen.fetch_add(1) > 0) ::_exit(130);
  const char byte = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_pipe[1], &byte, 1);
}

void OnAlarm(int) {
  constexpr std::string_view kLine =
      "feedmill: the stop did not end in its time and is cut short; what was acknowledged is in the log\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  ::_exit(1);
}

}  // namespace

void EndWithin(Micros time) {
  std::signal(SIGALRM, &OnAlarm);
  ::alarm(static_cast<unsigned>(std::max<Micros>(1, time / kMicrosPerSecond)));
}

void CatchStopSignals() {
  if (::pipe(wake_pipe) != 0) return;
  struct sigaction action{};
  action.sa_handler = OnSignal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool StopRequested() { return signals_seen.load() > 0; }

void WaitForStopSignal() {
  while (!StopRequested()) {
    pollfd waiting{wake_pipe[0], POLLIN, 0};
    ::poll(&waiting, 1, -1);
  }
}

}  // namespace feedmill::app
