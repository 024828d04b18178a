-- model: dim_user
-- doc: one row is one user id ever mentioned; user_key is dense from 0, given in log order, and never changes
-- partition: none
-- materialize: append
-- interval: 1 day
-- batch: 31 days
-- reads: ods_event.received_time 0d 0d
-- reads: dim_user self
-- key: user_id
-- columns: user_key BIGINT, user_id VARCHAR, first_seen_time TIMESTAMPTZ
-- timeout: 10m
WITH mention AS (
  SELECT user_id, event_time, log_offset * 1024 + log_partition AS log_order
  FROM ods_event
  WHERE received_time >= @start AND received_time < @end AND user_id <> ''
  UNION ALL
  SELECT author_id AS user_id, event_time, log_offset * 1024 + log_partition AS log_order
  FROM ods_event
  WHERE received_time >= @start AND received_time < @end AND author_id <> ''
  UNION ALL
  SELECT target_user_id AS user_id, event_time, log_offset * 1024 + log_partition AS log_order
  FROM ods_event
  WHERE received_time >= @start AND received_time < @end AND target_user_id <> ''
),
first_mention AS (
  SELECT user_id, MIN(event_time) AS first_seen_time, MIN(log_order) AS log_order
  FROM mention
  GROUP BY user_id
),
unknown AS (
  SELECT m.user_id, m.first_seen_time, m.log_order
  FROM first_mention m
  LEFT JOIN dim_user known ON known.user_id = m.user_id
  WHERE known.user_id IS NULL
)
SELECT
  ROW_NUMBER() OVER (ORDER BY u.log_order ASC NULLS LAST, u.user_id ASC NULLS LAST) - 1 + size.next_key AS user_key,
  u.user_id,
  u.first_seen_time
FROM unknown u
CROSS JOIN (SELECT COALESCE(MAX(user_key) + 1, 0) AS next_key FROM dim_user) size
ORDER BY user_key ASC NULLS LAST
