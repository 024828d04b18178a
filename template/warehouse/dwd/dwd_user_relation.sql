-- model: dwd_user_relation
-- doc: one row is one follow edge, valid from the follow until the next unfollow (null while it stands)
-- doc: events of one instant come in the order of the log; a follow taken back in its own instant is an edge of no length
-- doc: edge counts the edges of a pair from 1
-- doc: a follow of somebody already followed and an unfollow of somebody not followed change nothing
-- partition: none
-- materialize: full
-- reads: dwd_follow_event.event_time
-- key: user_id, target_user_id, edge
-- timeout: 10m
WITH edge_event AS (
  SELECT
    user_key, user_id, target_user_key, target_user_id, event_time, event_name, source, log_partition, log_offset,
    LAG(event_name) OVER (
      PARTITION BY user_id, target_user_id ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS former_event_name
  FROM dwd_follow_event
  WHERE event_time < @end
),
change AS (
  SELECT
    user_key, user_id, target_user_key, target_user_id, event_time, event_name, source,
    LEAD(event_time) OVER (
      PARTITION BY user_id, target_user_id ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS next_time,
    ROW_NUMBER() OVER (
      PARTITION BY user_id, target_user_id, event_name
      ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS edge
  FROM edge_event
  WHERE event_name <> COALESCE(former_event_name, 'unfollow')
)
SELECT
  user_key,
  user_id,
  target_user_key,
  target_user_id,
  source,
  CAST(edge AS INTEGER) AS edge,
  event_time AS valid_from,
  next_time AS valid_to,
  next_time IS NULL AS is_current
FROM change
WHERE event_name = 'follow'
ORDER BY user_key ASC NULLS LAST, target_user_key ASC NULLS LAST, edge ASC NULLS LAST
