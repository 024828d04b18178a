#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "serve/feed_query.h"

// Any body is a query within its limits or an error that names a field.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  feedmill::io::HttpRequest request;
  request.method = "POST";
  request.body.assign(reinterpret_cast<const char*>(data), size);
  using feedmill::domain::FieldType;
  static const std::vector<feedmill::domain::Field> kFields = {{"a", FieldType::kText},
                                                               {"b", FieldType::kTexts},
                                                               {"c", FieldType::kNumber},
                                                               {"d", FieldType::kBoolean},
                                                               {"e", FieldType::kTime}};
  const auto query = feedmill::serve::ParseFeedQuery(request, 100, kFields);
  if (query && (query->n < 1 || query->n > 100 || query->user_id.empty())) std::abort();
  return 0;
}
