// Any bytes: a manifest or a refusal; what parses is written back to the same content.
#include <cstdlib>

#include "registry/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto manifest = feedmill::registry::ParseManifest(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!manifest) return 0;
  const auto again = feedmill::registry::ParseManifest(feedmill::registry::FormatManifest(*manifest, true));
  if (!again || again->id != manifest->id) std::abort();
  return 0;
}
