// Any bytes: decoding ends without harm, and what decodes encodes to the same bytes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "data/event_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto record = feedmill::DecodeLogRecord(bytes);
  if (!record) return 0;
  std::string again;
  feedmill::EncodeLogRecord(*record, &again);
  if (again != bytes) std::abort();
  return 0;
}
