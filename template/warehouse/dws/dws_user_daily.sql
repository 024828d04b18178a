-- model: dws_user_daily
-- doc: one row is one user on one UTC day; counts are additive over days, distinct_* are exact within the day only
-- doc: a session is a run of actions with no pause of 30 minutes or more, counted on the day it begins
-- partition: day(day)
-- materialize: incremental
-- interval: 1 day
-- batch: 7 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time 0d 0d
-- key: day, user_key
-- timeout: 10m
WITH action AS (
  SELECT
    CAST(event_time AS DATE) AS day, user_key, user_id, event_name, event_time, post_key, author_key, topic, dwell_ms,
    LAG(event_time) OVER (
      PARTITION BY user_key, CAST(event_time AS DATE) ORDER BY event_time ASC NULLS LAST, event_id ASC NULLS LAST
    ) AS former_time
  FROM dwd_user_action
  WHERE event_time >= @start AND event_time < @end AND user_key IS NOT NULL AND user_key % @parts = @part
)
SELECT
  day,
  user_key,
  MIN(user_id) AS user_id,
  COUNT(*) AS actions,
  COUNT(*) FILTER (WHERE former_time IS NULL OR event_time >= former_time + INTERVAL 30 MINUTE) AS sessions,
  COUNT(*) FILTER (WHERE event_name = 'feed_impression') AS impressions,
  COUNT(*) FILTER (WHERE event_name = 'post_view') AS views,
  COUNT(*) FILTER (WHERE event_name = 'post_click') AS clicks,
  COUNT(*) FILTER (WHERE event_name = 'like') AS likes,
  COUNT(*) FILTER (WHERE event_name = 'comment') AS comments,
  COUNT(*) FILTER (WHERE event_name = 'share') AS shares,
  COUNT(*) FILTER (WHERE event_name = 'follow') AS follows,
  COUNT(*) FILTER (WHERE event_name = 'unfollow') AS unfollows,
  COUNT(*) FILTER (WHERE event_name = 'hide') AS hides,
  COUNT(*) FILTER (WHERE event_name = 'report') AS reports,
  COUNT(*) FILTER (WHERE event_name = 'post_create') AS posts,
  COUNT(*) FILTER (WHERE event_name = 'search') AS searches,
  CAST(SUM(COALESCE(dwell_ms, 0)) AS BIGINT) AS dwell_ms,
  COUNT(DISTINCT CASE WHEN event_name <> 'feed_impression' THEN post_key END) AS distinct_posts_engaged,
  COUNT(DISTINCT CASE WHEN event_name <> 'feed_impression' THEN author_key END) AS distinct_authors_engaged,
  COUNT(DISTINCT topic) AS distinct_topics,
  MIN(event_time) AS first_time,
  MAX(event_time) AS last_time
FROM action
GROUP BY day, user_key
