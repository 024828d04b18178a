#include "io/descriptors.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/http_server.h"

namespace feedmill::io {
namespace {

constexpr rlim_t kDescriptorsMax = 1 << 20;  // enough for any configuration; some systems call it unlimited

}  // namespace

Result<int> RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Io("limit of open files: {}", std::strerror(errno));
  rlimit raised = limit;
  raised.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, kDescriptorsMax));
  if (raised.rlim_cur > limit.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) != 0) raised = limit;
  return static_cast<int>(std::min(raised.rlim_cur, kDescriptorsMax));
}

int ConnectionsWithin(int limit, int reserved, int wanted) {
  int connections = std::clamp(limit - reserved, 0, wanted);
  while (connections > 0 && connections + HttpRefusedMax(connections) > limit - reserved) --connections;
  return connections;
}

}  // namespace feedmill::io
