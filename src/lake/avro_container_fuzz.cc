// Manifests and manifest lists come from other engines: any bytes must be refused or read, and nothing else. Bytes that
// were read as a manifest list are written and read again, which must give the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lake/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill::lake;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto container = AvroContainerReader::Open(bytes)) {
    (void)container->ForEach([&](AvroDecoder& in) { return in.Skip(container->schema().root()); });
  }
  TableSpec spec;
  spec.fields = {{2, 1000, "event_time_day", "day"}, {1, 1001, "country", "identity"}};
  ManifestFile manifest;
  manifest.length = static_cast<int64_t>(size);
  manifest.sequence_number = 3;
  (void)ReadManifest(bytes, manifest, spec);
  if (auto list = ReadManifestList(bytes)) {
    auto written = WriteManifestList({1, 2, 3}, *list);
    if (!written) std::abort();
    auto again = ReadManifestList(*written);
    if (!again || again->size() != list->size()) std::abort();
    for (size_t i = 0; i < list->size(); ++i) {
      if ((*again)[i].path != (*list)[i].path || (*again)[i].added_rows != (*list)[i].added_rows) std::abort();
    }
  }
  return 0;
}
