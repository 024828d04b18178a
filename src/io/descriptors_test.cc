#include "io/descriptors.h"

#include <sys/resource.h>

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "io/http_server.h"

namespace feedmill::io {
namespace {

TEST(Descriptors, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto raised = RaiseDescriptorLimit();
  ASSERT_THAT(raised, IsOk());
  EXPECT_EQ(static_cast<rlim_t>(*raised), std::min<rlim_t>(before.rlim_max, 1 << 20));
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(Descriptors, FilesKeepTheirShare) {
  for (const int limit : {100, 300, 1024, 4096, 100'000}) {
    const int connections = ConnectionsWithin(limit, 256, 4096);
    EXPECT_TRUE(connections == 0 || connections + HttpRefusedMax(connections) + 256 <= limit) << limit;
    EXPECT_LE(connections, 4096);
  }
  EXPECT_EQ(ConnectionsWithin(256, 256, 10), 0);
  EXPECT_EQ(ConnectionsWithin(100'000, 256, 4096), 4096);
  EXPECT_GT(ConnectionsWithin(1024, 256, 4096), 700);
}

}  // namespace
}  // namespace feedmill::io
