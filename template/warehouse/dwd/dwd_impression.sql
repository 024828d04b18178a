-- model: dwd_impression
-- doc: one row is one shown post with what the user did about it within 24 hours; domain.toml says which actions (label)
-- doc: label delay: the outcomes of an impression are complete 24 hours after it; younger rows are made again next time
-- doc: an action belongs to the impression of its request, else to the user's latest earlier impression of the post
-- doc: of impressions of one instant the later one in the log; the work is linear in the actions, whoever did them to what
-- doc: a follow or a hide of an author without a post belongs to the user's latest earlier impression of that author
-- partition: day(event_time)
-- materialize: incremental
-- interval: 1 day
-- batch: 4 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time -1d 1d
-- key: event_id
-- timeout: 20m
WITH shown AS (
  -- The day before and the day after the interval are there to take the outcomes that belong to them, however many days
  -- are made at once.
  SELECT event_id, event_time, request_id, user_key, post_key, author_key, log_partition, log_offset
  FROM dwd_user_action
  WHERE event_name IN (@shown_events)
    AND event_time >= @start - INTERVAL 24 HOUR AND event_time < @end + INTERVAL 24 HOUR
    AND user_key IS NOT NULL AND post_key IS NOT NULL AND user_key % @parts = @part
),
outcome AS (
  SELECT
    event_id, event_time, request_id, user_key, log_partition, log_offset,
    @each_label(CASE WHEN @is THEN 1 ELSE 0 END AS @label),
    CASE WHEN event_name = 'dwell' THEN COALESCE(dwell_ms, 0) ELSE 0 END AS dwell_ms,
    CASE WHEN post_key IS NOT NULL THEN 0 ELSE 3 END AS first_lane,
    COALESCE(post_key, author_key) AS item_key
  FROM dwd_user_action
  WHERE event_name IN (@label_events, 'dwell')
    AND event_time >= @start AND event_time < @end + INTERVAL 24 HOUR
    AND user_key IS NOT NULL AND user_key % @parts = @part
    AND (post_key IS NOT NULL OR (author_key IS NOT NULL AND event_name IN (@author_label_events)))
),
-- Where an outcome about a post looks: lane 0, its request; lane 1, when that finds nothing, impressions that name no
-- request; and an outcome that names no request: lane 2, all impressions. About an author: lanes 3, 4 and 5.
looked_for AS (
  SELECT first_lane AS lane, item_key, user_key, request_id AS request, event_id, event_time, log_partition, log_offset
  FROM outcome WHERE request_id IS NOT NULL
  UNION ALL
  SELECT first_lane + 1 AS lane, item_key, user_key, '' AS request, event_id, event_time, log_partition, log_offset
  FROM outcome
  WHERE request_id IS NOT NULL AND user_key IN (SELECT user_key FROM shown WHERE request_id IS NULL)
  UNION ALL
  SELECT first_lane + 2 AS lane, item_key, user_key, '' AS request, event_id, event_time, log_partition, log_offset
  FROM outcome WHERE request_id IS NULL
),
wanted AS (
  SELECT DISTINCT lane, item_key, user_key, request FROM looked_for
),
offered AS (
  SELECT
    CASE WHEN request_id IS NULL THEN 1 ELSE 0 END AS lane, post_key AS item_key, user_key,
    COALESCE(request_id, '') AS request, event_id, event_time, log_partition, log_offset
  FROM shown
  UNION ALL
  SELECT 2 AS lane, post_key AS item_key, user_key, '' AS request, event_id, event_time, log_partition, log_offset
  FROM shown
  UNION ALL
  SELECT
    CASE WHEN request_id IS NULL THEN 4 ELSE 3 END AS lane, author_key AS item_key, user_key,
    COALESCE(request_id, '') AS request, event_id, event_time, log_partition, log_offset
  FROM shown WHERE author_key IS NOT NULL
  UNION ALL
  SELECT 5 AS lane, author_key AS item_key, user_key, '' AS request, event_id, event_time, log_partition, log_offset
  FROM shown WHERE author_key IS NOT NULL
),
timeline AS (
  SELECT o.lane, o.item_key, o.user_key, o.request, o.event_id, o.event_time, o.log_partition, o.log_offset, 0 AS is_outcome
  FROM offered o
  JOIN wanted w ON w.lane = o.lane AND w.item_key = o.item_key AND w.user_key = o.user_key AND w.request = o.request
  UNION ALL
  SELECT lane, item_key, user_key, request, event_id, event_time, log_partition, log_offset, 1 AS is_outcome
  FROM looked_for
),
-- The latest impression before an outcome is the one with as many impressions up to it.
counted AS (
  SELECT
    lane, item_key, user_key, request, event_id, event_time, is_outcome,
    SUM(1 - is_outcome) OVER (
      PARTITION BY lane, item_key, user_key, request
      ORDER BY event_time ASC NULLS LAST, is_outcome ASC NULLS LAST, log_partition ASC NULLS LAST,
               log_offset ASC NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place
  FROM timeline
),
found AS (
  SELECT o.event_id AS outcome_id, o.lane, s.event_id
  FROM counted o
  JOIN counted s
    ON s.lane = o.lane AND s.item_key = o.item_key AND s.user_key = o.user_key AND s.request = o.request
    AND s.place = o.place
  WHERE o.is_outcome = 1 AND s.is_outcome = 0 AND o.event_time < s.event_time + INTERVAL 24 HOUR
),
own AS (
  SELECT outcome_id, event_id FROM found WHERE lane NOT IN (1, 4)
),
attributed AS (
  SELECT outcome_id, event_id FROM own
  UNION ALL
  SELECT f.outcome_id, f.event_id
  FROM found f
  LEFT JOIN own ON own.outcome_id = f.outcome_id
  WHERE f.lane IN (1, 4) AND own.outcome_id IS NULL
),
label AS (
  SELECT
    a.event_id,
    @each_label(MAX(o.@label) AS @label),
    CAST(SUM(o.dwell_ms) AS BIGINT) AS dwell_ms
  FROM attributed a
  JOIN outcome o ON o.event_id = a.outcome_id
  GROUP BY a.event_id
)
SELECT
  s.event_id,
  s.event_time,
  s.request_id,
  s.user_key,
  s.user_id,
  s.post_key,
  s.post_id,
  s.author_key,
  s.author_id,
  s.topic,
  s.position,
  s.scene,
  s.source,
  @each_label(COALESCE(l.@label, 0) AS @label),
  COALESCE(l.dwell_ms, 0) AS dwell_ms
FROM dwd_user_action s
LEFT JOIN label l ON l.event_id = s.event_id
WHERE s.event_name IN (@shown_events) AND s.event_time >= @start AND s.event_time < @end
  AND s.user_key IS NOT NULL AND s.post_key IS NOT NULL AND s.user_key % @parts = @part
