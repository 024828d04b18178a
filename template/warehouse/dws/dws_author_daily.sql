-- model: dws_author_daily
-- doc: one row is one author on one UTC day, with what others did about the author and the author's posts
-- partition: day(day)
-- materialize: incremental
-- interval: 1 day
-- batch: 7 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time 0d 0d
-- key: day, author_key
-- timeout: 10m
SELECT
  CAST(event_time AS DATE) AS day,
  author_key,
  MIN(author_id) AS author_id,
  COUNT(*) FILTER (WHERE event_name = 'post_create') AS posts,
  COUNT(*) FILTER (WHERE event_name = 'feed_impression') AS impressions,
  COUNT(*) FILTER (WHERE event_name = 'post_click') AS clicks,
  COUNT(*) FILTER (WHERE event_name = 'like') AS likes,
  COUNT(*) FILTER (WHERE event_name = 'comment') AS comments,
  COUNT(*) FILTER (WHERE event_name = 'share') AS shares,
  COUNT(*) FILTER (WHERE event_name = 'follow') AS follows,
  COUNT(*) FILTER (WHERE event_name = 'unfollow') AS unfollows,
  COUNT(*) FILTER (WHERE event_name = 'hide') AS hides,
  COUNT(*) FILTER (WHERE event_name = 'profile_view') AS profile_views,
  CAST(SUM(COALESCE(dwell_ms, 0)) AS BIGINT) AS dwell_ms,
  COUNT(DISTINCT CASE WHEN event_name <> 'post_create' THEN user_key END) AS distinct_users,
  MAX(event_time) AS last_time
FROM dwd_user_action
WHERE event_time >= @start AND event_time < @end AND author_key IS NOT NULL
  AND author_key % @parts = @part
GROUP BY CAST(event_time AS DATE), author_key
