-- model: dim_user
-- doc: one row is one customer or seller ever mentioned; user_key is dense from 0, given in log order, and never changes
-- partition: none
-- materialize: append
-- interval: 1 day
-- batch: 31 days
-- reads: ods_event.received_time 0d 0d
-- reads: dim_user self
-- key: user_id
-- columns: user_key BIGINT, user_id VARCHAR, first_seen_time TIMESTAMPTZ
-- timeout: 20m
WITH mention AS (
  SELECT user_id, MIN(event_time) AS first_seen_time, MIN(log_offset * 1024 + log_partition) AS log_order
  FROM ods_event
  WHERE received_time >= @start AND received_time < @end AND user_id <> ''
  GROUP BY user_id
)
SELECT
  ROW_NUMBER() OVER (ORDER BY m.log_order ASC NULLS LAST, m.user_id ASC NULLS LAST) - 1 + size.next_key AS user_key,
  m.user_id,
  m.first_seen_time
FROM mention m
LEFT JOIN dim_user known ON known.user_id = m.user_id
CROSS JOIN (SELECT COALESCE(MAX(user_key) + 1, 0) AS next_key FROM dim_user) size
WHERE known.user_id IS NULL
ORDER BY user_key ASC NULLS LAST
