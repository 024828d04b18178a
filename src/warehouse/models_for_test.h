// A small warehouse's models: one table of each kind.
#pragma once

#include <string_view>

namespace feedmill::warehouse {

inline constexpr std::string_view kEventModel = R"(-- model: ods_event
-- doc: events
-- external: landed
)";
inline constexpr std::string_view kActionModel = R"(-- model: dwd_action
-- doc: actions by day
-- partition: day(event_time)
-- materialize: incremental
-- batch: 2
-- lookback: 3 days
-- reads: ods_event.event_time 0d 0d
-- key: id
-- memory: 512MiB
-- timeout: 1m
SELECT id, event_time, weight FROM ods_event WHERE event_time >= @start AND event_time < @end
)";
inline constexpr std::string_view kTotalModel = R"(-- model: dws_total
-- doc: a sum a day
-- partition: day(day)
-- materialize: incremental
-- lookback: 3 days
-- reads: dwd_action.event_time 0d 0d
-- key: day
-- memory: 512MiB
-- timeout: 1m
SELECT CAST(event_time AS DATE) AS day, CAST(SUM(weight) AS BIGINT) AS weight
FROM dwd_action WHERE event_time >= @start AND event_time < @end
GROUP BY CAST(event_time AS DATE)
)";
inline constexpr std::string_view kTopModel = R"(-- model: ads_top
-- doc: the heaviest
-- materialize: full
-- reads: dwd_action.event_time -2d
-- key: id
-- memory: 512MiB
-- timeout: 1m
SELECT id, weight FROM dwd_action WHERE event_time >= @end - INTERVAL 2 DAY AND event_time < @end
)";
inline constexpr std::string_view kNativeModel = R"(-- model: ads_native
-- doc: made in C++
-- native: features.dump
-- depends: dwd_action
-- memory: 512MiB
-- timeout: 1m
)";

}  // namespace feedmill::warehouse
