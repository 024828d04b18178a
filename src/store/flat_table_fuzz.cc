// Any bytes: refused, or a table whose every row can be read.
#include <cstdlib>

#include "store/flat_table.h"
#include "store/sealed_file_internal.h"

namespace {

void ReadAll(const feedmill::store::FlatTable& table) {
  std::vector<std::byte> row(table.row_bytes());
  for (size_t i = 0; i < table.row_count(); ++i) {
    const auto number = static_cast<int64_t>(i);
    if (table.Find(table.Key(number)) != number) abort();
    table.Gather({&number, 1}, row);
  }
  (void)table.Find("not there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill::store;
  std::string content(reinterpret_cast<const char*>(data), size);
  for (int sealed = 0; sealed < 2; ++sealed) {
    if (auto table = OpenFlatTable(std::make_unique<MemoryMapping>(content))) ReadAll(**table);
    ResealForTest(&content);  // the second round reaches what stands behind the checksums
  }
  return 0;
}
