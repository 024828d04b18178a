// Any bytes: parsed or refused; what parses scores, and both scorers agree.
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "model/tree_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto fast = feedmill::model::ParseLightGbmModel(text);
  const auto slow = feedmill::model::ParseLightGbmModelSlow(text);
  if (fast.has_value() != slow.has_value()) std::abort();
  if (!fast) return 0;
  constexpr size_t kRows = 7;
  const float values[] = {0.0f, NAN, -1.5f, 1e30f, -INFINITY, INFINITY, 1e-36f, 3.0f};
  std::vector<float> rows((*fast)->feature_count() * kRows);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = values[(i * 5 + i / 3) % std::size(values)];
  double a[kRows], b[kRows];
  (*fast)->Score(rows, kRows, a, true);
  (*slow)->Score(rows, kRows, b, true);
  if (std::memcmp(a, b, sizeof a) != 0) std::abort();
  return 0;
}
