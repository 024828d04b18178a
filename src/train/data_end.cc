#include "train/data_end.h"

#include <fmt/format.h>

namespace feedmill::train {

Result<std::optional<Micros>> DataEnd(query::Session& session, const std::string& rows, Micros cut) {
  FEEDMILL_ASSIGN(const query::Rows found,
                  session.Query(fmt::format("SELECT quantile_disc(epoch_us(event_time), 0.99) FROM {}", rows)));
  const auto* end = std::get_if<int64_t>(&found.rows.at(0).at(0));
  if (end == nullptr) return std::optional<Micros>();
  return std::optional<Micros>(*end < cut - kMicrosPerDay ? *end + 1 : cut);
}

}  // namespace feedmill::train
