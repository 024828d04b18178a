-- model: dwd_user_action
-- doc: one row is one deduplicated user action, on the day it happened; bots are out
-- doc: of copies with one event_id the one of the earliest day stays, and of those the first received (horizon 7 days)
-- doc: a copy by a bot, or without an event's name, counts as none
-- doc: author_id is whom the action is about: the post's author, or the target user when there is no post
-- partition: day(event_time)
-- materialize: incremental
-- interval: 1 day
-- batch: 3 days
-- lookback: 7 days
-- reads: ods_event.event_time -7d 0d
-- reads: dwd_post stable
-- reads: dim_user stable
-- reads: dim_post stable
-- key: event_id
-- timeout: 20m
WITH id AS (
  -- Which ids have come more than once is known by their hashes; only rows of those are compared with one another, and
  -- all others go through without waiting.
  SELECT HASH(event_id) AS id_hash, COUNT(*) AS copies
  FROM ods_event
  WHERE event_time >= @start AND event_time < @end
    AND event <> ''
    -- Flagged when it landed; rows from before there was a flag go by the words of that time.
    AND NOT COALESCE(is_bot, LOWER(user_agent) LIKE '%bot%' OR LOWER(user_agent) LIKE '%crawler%', FALSE)
    AND ABS(HASH(event_id) % @parts) = @part
  GROUP BY HASH(event_id)
),
earlier AS (
  SELECT DISTINCT HASH(event_id) AS id_hash
  FROM ods_event
  WHERE event_time >= @start - INTERVAL 7 DAY AND event_time < @start
    AND event <> ''
    AND NOT COALESCE(is_bot, LOWER(user_agent) LIKE '%bot%' OR LOWER(user_agent) LIKE '%crawler%', FALSE)
    AND HASH(event_id) IN (SELECT id_hash FROM id)
),
copied AS (
  SELECT id_hash FROM id WHERE copies > 1
  UNION
  SELECT id_hash FROM earlier
),
-- Each copy with the day of the one before it, so that the horizon is the same however many days are made at once.
copy AS (
  SELECT
    event_time, log_partition, log_offset,
    LAG(CAST(event_time AS DATE)) OVER (
      PARTITION BY event_id
      ORDER BY CAST(event_time AS DATE) ASC NULLS LAST, received_time ASC NULLS LAST,
               log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS former_day
  FROM ods_event
  WHERE event_time >= @start - INTERVAL 7 DAY AND event_time < @end
    AND event <> ''
    AND NOT COALESCE(is_bot, LOWER(user_agent) LIKE '%bot%' OR LOWER(user_agent) LIKE '%crawler%', FALSE)
    AND HASH(event_id) IN (SELECT id_hash FROM copied)
),
surplus AS (
  SELECT log_partition, log_offset
  FROM copy
  WHERE event_time >= @start AND former_day >= CAST(event_time AS DATE) - INTERVAL 7 DAY
),
action AS (
  SELECT
    o.*,
    CASE WHEN o.event = 'post_create' THEN o.user_id ELSE NULLIF(o.author_id, '') END AS stated_author_id
  FROM ods_event o
  LEFT JOIN surplus s ON s.log_partition = o.log_partition AND s.log_offset = o.log_offset
  WHERE o.event_time >= @start AND o.event_time < @end
    AND o.event <> ''
    AND NOT COALESCE(o.is_bot, LOWER(o.user_agent) LIKE '%bot%' OR LOWER(o.user_agent) LIKE '%crawler%', FALSE)
    AND ABS(HASH(o.event_id) % @parts) = @part
    AND s.log_offset IS NULL
),
-- Which version of its post an action meets: the first one also serves actions that came before it. Only posts that
-- have more than one need looking at.
touch AS (
  SELECT post_id, event_time, log_partition, log_offset
  FROM ods_event
  WHERE event_time >= @start AND event_time < @end AND ABS(HASH(event_id) % @parts) = @part
    AND post_id IN (SELECT post_id FROM dwd_post WHERE version = 2)
),
timeline AS (
  SELECT
    post_id, valid_from AS met_time, 0 AS is_action, version, CAST(NULL AS BIGINT) AS log_partition,
    CAST(NULL AS BIGINT) AS log_offset
  FROM dwd_post
  WHERE post_id IN (SELECT post_id FROM touch)
  UNION ALL
  SELECT post_id, event_time AS met_time, 1 AS is_action, 1 AS version, log_partition, log_offset
  FROM touch
),
reached AS (
  SELECT
    is_action, post_id, log_partition, log_offset,
    MAX(version) OVER (
      PARTITION BY post_id ORDER BY met_time ASC NULLS LAST, is_action ASC NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS version
  FROM timeline
),
met AS (
  SELECT r.log_partition, r.log_offset, r.version, p.topic
  FROM reached r
  JOIN dwd_post p ON p.post_id = r.post_id AND p.version = r.version
  WHERE r.is_action = 1
),
with_post AS (
  SELECT
    a.*,
    COALESCE(p.author_id, a.stated_author_id, NULLIF(a.target_user_id, '')) AS about_author_id,
    COALESCE(a.topic, CASE WHEN m.version IS NULL THEN p.topic ELSE m.topic END) AS about_topic
  FROM action a
  LEFT JOIN met m ON m.log_partition = a.log_partition AND m.log_offset = a.log_offset
  LEFT JOIN dwd_post p ON p.post_id = a.post_id AND p.version = 1
)
SELECT
  a.event_id,
  a.event AS event_name,
  a.event_time,
  a.received_time,
  u.user_key,
  NULLIF(a.user_id, '') AS user_id,
  NULLIF(a.anonymous_id, '') AS anonymous_id,
  dp.post_key,
  NULLIF(a.post_id, '') AS post_id,
  au.user_key AS author_key,
  a.about_author_id AS author_id,
  tu.user_key AS target_user_key,
  NULLIF(a.target_user_id, '') AS target_user_id,
  a.about_topic AS topic,
  NULLIF(a.request_id, '') AS request_id,
  CAST(a.position AS BIGINT) AS position,
  a.scene,
  a.source,
  -- What no stay can last is set to the longest: sums stay sums, whatever was sent.
  CASE WHEN a.dwell_ms IS NOT NULL THEN CAST(LEAST(GREATEST(a.dwell_ms, 0), 86400000) AS BIGINT) END AS dwell_ms,
  CAST(a.text_length AS BIGINT) AS text_length,
  a.lang,
  a.query,
  a.country,
  a.region,
  a.city,
  a.log_partition,
  a.log_offset
FROM with_post a
LEFT JOIN dim_user u ON u.user_id = a.user_id
LEFT JOIN dim_post dp ON dp.post_id = a.post_id
LEFT JOIN dim_user au ON au.user_id = a.about_author_id
LEFT JOIN dim_user tu ON tu.user_id = a.target_user_id
