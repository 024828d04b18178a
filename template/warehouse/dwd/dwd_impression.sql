-- model: dwd_impression
-- doc: one row is one shown post with what the user did about it within 24 hours
-- doc: label delay: the outcomes of an impression are complete 24 hours after it; younger rows are made again next time
-- doc: an action belongs to the impression of its request, else to the user's latest earlier impression of the post
-- doc: a follow or a hide of an author without a post belongs to the user's latest earlier impression of that author
-- partition: day(event_time)
-- materialize: incremental
-- interval: 1 day
-- batch: 4 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time 0d 1d
-- key: event_id
-- memory: 4GiB
-- timeout: 20m
WITH shown AS (
  SELECT
    event_id, event_time, request_id, user_key, user_id, post_key, post_id, author_key, author_id, topic,
    position, scene, source
  -- Later impressions than the interval's are there to take the outcomes that belong to them, however many days are made at once.
  FROM dwd_user_action
  WHERE event_name = 'feed_impression' AND event_time >= @start AND event_time < @end + INTERVAL 24 HOUR
    AND user_key IS NOT NULL AND post_key IS NOT NULL
),
outcome AS (
  SELECT event_id, event_name, event_time, request_id, user_key, post_key, author_key, dwell_ms
  FROM dwd_user_action
  WHERE event_name IN ('post_click', 'like', 'comment', 'share', 'follow', 'hide', 'dwell')
    AND event_time >= @start AND event_time < @end + INTERVAL 24 HOUR
    AND user_key IS NOT NULL
),
candidate AS (
  SELECT
    o.event_id AS outcome_id, o.event_name, o.dwell_ms, s.event_id, s.event_time,
    CASE WHEN o.request_id = s.request_id THEN 0 ELSE 1 END AS distance
  FROM outcome o
  JOIN shown s ON s.user_key = o.user_key AND s.post_key = o.post_key
  WHERE o.event_time >= s.event_time AND o.event_time < s.event_time + INTERVAL 24 HOUR
    AND (o.request_id IS NULL OR s.request_id IS NULL OR o.request_id = s.request_id)
  UNION ALL
  SELECT
    o.event_id AS outcome_id, o.event_name, o.dwell_ms, s.event_id, s.event_time,
    CASE WHEN o.request_id = s.request_id THEN 0 ELSE 1 END AS distance
  FROM outcome o
  JOIN shown s ON s.user_key = o.user_key AND s.author_key = o.author_key
  WHERE o.post_key IS NULL AND o.event_name IN ('follow', 'hide')
    AND o.event_time >= s.event_time AND o.event_time < s.event_time + INTERVAL 24 HOUR
    AND (o.request_id IS NULL OR s.request_id IS NULL OR o.request_id = s.request_id)
),
attributed AS (
  SELECT
    outcome_id, event_name, dwell_ms, event_id,
    ROW_NUMBER() OVER (
      PARTITION BY outcome_id ORDER BY distance ASC NULLS LAST, event_time DESC NULLS LAST, event_id ASC NULLS LAST
    ) AS choice
  FROM candidate
),
label AS (
  SELECT
    event_id,
    MAX(CASE WHEN event_name = 'post_click' THEN 1 ELSE 0 END) AS clicked,
    MAX(CASE WHEN event_name = 'like' THEN 1 ELSE 0 END) AS liked,
    MAX(CASE WHEN event_name = 'comment' THEN 1 ELSE 0 END) AS commented,
    MAX(CASE WHEN event_name = 'share' THEN 1 ELSE 0 END) AS shared,
    MAX(CASE WHEN event_name = 'follow' THEN 1 ELSE 0 END) AS followed,
    MAX(CASE WHEN event_name = 'hide' THEN 1 ELSE 0 END) AS hidden,
    CAST(SUM(CASE WHEN event_name = 'dwell' THEN COALESCE(dwell_ms, 0) ELSE 0 END) AS BIGINT) AS dwell_ms
  FROM attributed
  WHERE choice = 1
  GROUP BY event_id
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
  COALESCE(l.clicked, 0) AS clicked,
  COALESCE(l.liked, 0) AS liked,
  COALESCE(l.commented, 0) AS commented,
  COALESCE(l.shared, 0) AS shared,
  COALESCE(l.followed, 0) AS followed,
  COALESCE(l.hidden, 0) AS hidden,
  COALESCE(l.dwell_ms, 0) AS dwell_ms
FROM shown s
LEFT JOIN label l ON l.event_id = s.event_id
WHERE s.event_time < @end
