#include "ingest/body_reader_internal.h"

#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "io/file_system.h"

namespace feedmill::ingest {
namespace {

// The address space that this process has now.
uint64_t AddressBytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// What a body of many values gets when there is no memory for it: 503 and not the client's fault. In a process of its
// own, as the limit stays.
TEST(BodyReaderTest, WithoutMemoryTheBodyIsNotBlamed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need the address space";
#endif
  const auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  const auto keys = *WriteKeys::Make({{"app", "app-key", 1 << 20, 1 << 30}});
  std::string body = "{\"batch\":[1";
  body.reserve(64 << 20);
  while (body.size() < (60 << 20)) body += ",1,2,3,4,5,6,7,8";
  body += "]}";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{AddressBytes() + (100 << 20), RLIM_INFINITY};
    ::setrlimit(RLIMIT_AS, &limit);
    MessageIdMaker ids;
    int status = 0;
    try {
      BodyRequest request{&body, "", keys.Find("app-key"), "", "", 1};
      const auto read = ReadBody(request, *plan, keys, {}, ids);
      status = read ? 200 : read.error().status;
    } catch (const std::bad_alloc&) {
      status = 503;  // as the collector has it
    }
    ::_exit(status == 503 ? 0 : 1);
  }
  int outcome = 0;
  ASSERT_EQ(::waitpid(child, &outcome, 0), child);
  EXPECT_TRUE(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0) << outcome;
}

}  // namespace
}  // namespace feedmill::ingest
