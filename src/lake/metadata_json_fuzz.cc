// Metadata files come from other engines: any bytes must be refused or read; what was read is written and read again
// unchanged.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lake/metadata_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill::lake;
  auto metadata = ReadMetadataJson(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!metadata) return 0;
  const std::string written = WriteMetadataJson(*metadata);
  auto again = ReadMetadataJson(written);
  if (!again || WriteMetadataJson(*again) != written) std::abort();
  (void)metadata->CurrentSchema();
  (void)metadata->DefaultSpec();
  (void)PartitionTypes(metadata->DefaultSpec(), metadata->CurrentSchema());
  return 0;
}
