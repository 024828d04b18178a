#include "app/last_words.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace feedmill::app {
namespace {

constexpr double kMiB = 1024.0 * 1024.0;
constexpr int kExitFailed = 1;

using Line = std::array<char, 512>;

// Nothing here may allocate.
void Write(const Line& line, int length) {
  const size_t bytes = length < 0 ? 0 : static_cast<size_t>(length);
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, line.data(), bytes < line.size() ? bytes : line.size());
}

void LimitText(int resource, double unit, const char* name, std::array<char, 64>* text) {
  rlimit limit{};
  const bool limited =
      ::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  if (limited) {
    std::snprintf(text->data(), text->size(), "%.0f %s", static_cast<double>(limit.rlim_cur) / unit, name);
  } else {
    std::snprintf(text->data(), text->size(), "none");
  }
}

[[noreturn]] void EndForMeans(const char* wanted, const char* what) {
  std::array<char, 64> space{}, threads{};
  LimitText(RLIMIT_AS, kMiB, "MiB", &space);
  LimitText(RLIMIT_NPROC, 1, "of this user", &threads);
  Line line{};
  Write(line, std::snprintf(line.data(), line.size(),
                            "feedmill: there is not enough memory or there are not enough threads: %s was refused "
                            "(%s). Limits found: address space %s (ulimit -v), processes and threads %s (ulimit -u); "
                            "allow more, or lower the limits of feedmill.toml (`feedmill config explain`)\n",
                            wanted, what, space.data(), threads.data()));
  ::_exit(kExitFailed);
}

void SayFault(const char* what) {
  Line line{};
  Write(line, std::snprintf(line.data(), line.size(), "feedmill: ended by a fault of its own%s%s\n",
                            what == nullptr ? "" : ": ", what == nullptr ? "" : what));
}

[[noreturn]] void OnTerminate() {
  const std::exception_ptr current = std::current_exception();
  try {
    if (current) std::rethrow_exception(current);
    SayFault(nullptr);
  } catch (const std::bad_alloc& error) {
    EndForMeans("memory", error.what());
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) EndForMeans("a thread", error.what());
    SayFault(error.what());
  } catch (const std::exception& error) {
    SayFault(error.what());
  } catch (...) {  // what is no std::exception has nothing to say of itself, and nothing may leave this handler
    SayFault(nullptr);
  }
  std::abort();
}

}  // namespace

void PrepareLastWords() { std::set_terminate(&OnTerminate); }

}  // namespace feedmill::app
