#include "train/data_end.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace feedmill::train {
namespace {

constexpr double kBulkShare = 0.99;
constexpr size_t kBucketsMax = 100'000;

struct Bucket {
  Micros begin = 0;
  int64_t rows = 0;
};

Result<std::vector<Bucket>> CountBy(query::Session& session, const std::string& rows, Micros width) {
  FEEDMILL_ASSIGN(
      const query::Rows found,
      session.Query(fmt::format("SELECT CAST(floor(epoch_us(event_time) / {0}.0) AS BIGINT) * {0} AS begin, "
                                "CAST(COUNT(*) AS BIGINT) FROM {1} GROUP BY 1 ORDER BY 1",
                                width, rows),
                    kBucketsMax));
  std::vector<Bucket> buckets;
  for (const auto& row : found.rows) {
    // Rows without a time have none.
    if (const auto* begin = std::get_if<int64_t>(&row[0])) buckets.push_back({*begin, std::get<int64_t>(row[1])});
  }
  return buckets;
}

// Leaves of `place` what is left of it in the bucket where it lies.
const Bucket& BucketOf(const std::vector<Bucket>& buckets, int64_t* place) {
  for (const Bucket& bucket : buckets) {
    if (*place < bucket.rows) return bucket;
    *place -= bucket.rows;
  }
  return buckets.back();
}

std::string Within(const std::string& rows, Micros begin, Micros width) {
  return fmt::format("{} AND epoch_us(event_time) >= {} AND epoch_us(event_time) < {}", rows, begin, begin + width);
}

// The instant below which the bulk lies. Found by days, then hours, then within one hour, so that nothing but numbers
// of rows is ever in memory for all of them.
Result<std::optional<Micros>> EndOfBulk(query::Session& session, const std::string& rows) {
  FEEDMILL_ASSIGN(const std::vector<Bucket> days, CountBy(session, rows, kMicrosPerDay));
  int64_t count = 0;
  for (const Bucket& day : days) count += day.rows;
  if (count == 0) return std::optional<Micros>();
  int64_t place = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(kBulkShare * static_cast<double>(count)))) - 1;
  const std::string of_day = Within(rows, BucketOf(days, &place).begin, kMicrosPerDay);
  FEEDMILL_ASSIGN(const std::vector<Bucket> hours, CountBy(session, of_day, kMicrosPerHour));
  const std::string of_hour = Within(rows, BucketOf(hours, &place).begin, kMicrosPerHour);
  FEEDMILL_ASSIGN(const query::Rows found,
                  session.Query(fmt::format("SELECT epoch_us(event_time) FROM {} ORDER BY event_time LIMIT 1 OFFSET {}",
                                            of_hour, place)));
  return std::optional<Micros>(std::get<int64_t>(found.rows.at(0).at(0)));
}

}  // namespace

Result<std::optional<Micros>> DataEnd(query::Session& session, const std::string& rows, Micros cut) {
  FEEDMILL_ASSIGN(const std::optional<Micros> end, EndOfBulk(session, rows));
  if (!end) return end;
  return std::optional<Micros>(*end < cut - kMicrosPerDay ? *end + 1 : cut);
}

}  // namespace feedmill::train
