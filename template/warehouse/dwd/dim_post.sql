-- model: dim_post
-- doc: one row is one post id ever mentioned; post_key is dense from 0, given in log order, and never changes
-- partition: none
-- materialize: append
-- interval: 1 day
-- batch: 31 days
-- reads: ods_event.received_time 0d 0d
-- reads: dim_post self
-- key: post_id
-- columns: post_key BIGINT, post_id VARCHAR, first_seen_time TIMESTAMPTZ
-- timeout: 10m
WITH first_mention AS (
  SELECT post_id, MIN(event_time) AS first_seen_time, MIN(log_offset * 1024 + log_partition) AS log_order
  FROM ods_event
  WHERE received_time >= @start AND received_time < @end AND post_id <> ''
  GROUP BY post_id
),
unknown AS (
  SELECT m.post_id, m.first_seen_time, m.log_order
  FROM first_mention m
  LEFT JOIN dim_post known ON known.post_id = m.post_id
  WHERE known.post_id IS NULL
)
SELECT
  ROW_NUMBER() OVER (ORDER BY u.log_order ASC NULLS LAST, u.post_id ASC NULLS LAST) - 1 + size.next_key AS post_key,
  u.post_id,
  u.first_seen_time
FROM unknown u
CROSS JOIN (SELECT COALESCE(MAX(post_key) + 1, 0) AS next_key FROM dim_post) size
ORDER BY post_key ASC NULLS LAST
