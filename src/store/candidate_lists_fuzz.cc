// Any bytes: refused, or lists that can be read.
#include "store/candidate_lists.h"
#include "store/sealed_file_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill::store;
  std::string content(reinterpret_cast<const char*>(data), size);
  size_t bytes_read = 0;
  for (int sealed = 0; sealed < 2; ++sealed) {
    if (auto lists = OpenCandidateLists(std::make_unique<MemoryMapping>(content))) {
      for (std::string_view key : {"", "all", "p1", "not there"}) {
        for (const ScoredId& scored : (*lists)->Get(key)) bytes_read += std::string(scored.id).size();
      }
    }
    ResealForTest(&content);  // the second round reaches what stands behind the checksums
  }
  return bytes_read == static_cast<size_t>(-1) ? 1 : 0;
}
