#include <cstddef>
#include <cstdint>
#include <string_view>

#include "warehouse/model_file.h"
#include "warehouse/sql_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto model = feedmill::warehouse::ParseModelFile("x.sql", text);
  if (model && (model->name.empty() || model->file != "x.sql")) __builtin_trap();
  (void)feedmill::warehouse::ReplaceVariables("x.sql", text, feedmill::warehouse::IntervalVariables(0, 1));
  std::string canonical = feedmill::warehouse::CanonicalSql(text);
  if (feedmill::warehouse::CanonicalSql(canonical).size() > canonical.size()) __builtin_trap();
  return 0;
}
