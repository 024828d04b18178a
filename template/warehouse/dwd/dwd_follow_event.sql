-- model: dwd_follow_event
-- doc: one row is one follow or unfollow of a known user, deduplicated, on the day it happened
-- doc: they are few among the actions: dwd_user_relation reads this table, and no night reads the actions of all years
-- partition: day(event_time)
-- materialize: incremental
-- interval: 1 day
-- batch: 31 days
-- lookback: 400 days
-- reads: dwd_user_action.event_time 0d 0d
-- key: event_id
-- timeout: 10m
SELECT
  event_id, event_time, event_name, user_key, user_id, target_user_key, target_user_id, source, log_partition, log_offset
FROM dwd_user_action
WHERE event_time >= @start AND event_time < @end
  AND event_name IN ('follow', 'unfollow') AND user_id IS NOT NULL AND target_user_id IS NOT NULL
