#include "io/forked_work.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace feedmill::io {
namespace {

constexpr int kAnswerDescriptor = 3;  // in the copy, after the standard ones

[[noreturn]] void WorkAndExit(pid_t parent, int answer, const std::function<Status()>& work) {
  // Sockets and locks of ours must not live on in the copy.
  if (::dup2(answer, kAnswerDescriptor) < 0 || ::close_range(kAnswerDescriptor + 1, ~0U, 0) != 0) ::_exit(1);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
  const Status done = work();
  if (done) ::_exit(0);
  const std::string& text = done.error().message();
  (void)!::write(kAnswerDescriptor, text.data(), text.size());
  ::_exit(1);
}

std::string ReadAll(int descriptor) {
  std::string text;
  char buffer[1024];
  ssize_t got = 0;
  while ((got = ::read(descriptor, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

}  // namespace

Result<ForkedWork> ForkedWork::Start(const std::function<Status()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Io("pipe: {}", std::strerror(errno));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) WorkAndExit(parent, ends[1], work);
  const int error = errno;
  ::close(ends[1]);
  if (child > 0) return ForkedWork(child, ends[0]);
  ::close(ends[0]);
  return ResourceExhausted("fork: {}", std::strerror(error));
}

ForkedWork::~ForkedWork() {
  if (child_ > 0) (void)Wait();
}

Status ForkedWork::Wait() {
  const std::string text = ReadAll(answer_);
  ::close(std::exchange(answer_, -1));
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Ok();
  if (!text.empty()) return Io("{}", text);
  return Unavailable("the copy of this process ended without an answer (wait status {})", status);
}

}  // namespace feedmill::io
