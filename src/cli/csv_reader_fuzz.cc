#include <cstdint>
#include <sstream>

#include "cli/csv_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  feedmill::cli::CsvReader reader(in, ',', 1000);
  std::vector<std::string> fields;
  for (auto more = reader.Next(&fields); more && *more; more = reader.Next(&fields)) {
    if (fields.empty()) __builtin_trap();
  }
  return 0;
}
