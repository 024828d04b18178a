// Any bytes as a schema file: it is a schema, or every fault has a line and a text.
#include <cstdint>
#include <cstdlib>

#include "ingest/value_schema_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill::ingest;
  auto json = ParseLocatedJson({reinterpret_cast<const char*>(data), size});
  if (!json) {
    if (!json.error().message().starts_with("line ")) std::abort();
    return 0;
  }
  std::vector<SchemaFault> faults;
  ReadValueSchema(*json, &faults);
  for (const auto& fault : faults) {
    if (fault.line < 1 || fault.message.empty()) std::abort();
  }
  return 0;
}
