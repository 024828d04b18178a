-- model: dws_post_daily
-- doc: one row is one post on one UTC day; counts are additive over days, distinct_users is exact within the day only
-- partition: day(day)
-- materialize: incremental
-- interval: 1 day
-- batch: 7 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time 0d 0d
-- key: day, post_key
-- timeout: 10m
SELECT
  CAST(event_time AS DATE) AS day,
  post_key,
  MIN(post_id) AS post_id,
  MIN(author_key) AS author_key,
  COUNT(*) FILTER (WHERE event_name = 'feed_impression') AS impressions,
  COUNT(*) FILTER (WHERE event_name = 'post_view') AS views,
  COUNT(*) FILTER (WHERE event_name = 'post_click') AS clicks,
  COUNT(*) FILTER (WHERE event_name = 'like') AS likes,
  COUNT(*) FILTER (WHERE event_name = 'comment') AS comments,
  COUNT(*) FILTER (WHERE event_name = 'share') AS shares,
  COUNT(*) FILTER (WHERE event_name = 'hide') AS hides,
  COUNT(*) FILTER (WHERE event_name = 'report') AS reports,
  CAST(SUM(COALESCE(dwell_ms, 0)) AS BIGINT) AS dwell_ms,
  COUNT(DISTINCT user_key) AS distinct_users,
  MAX(event_time) AS last_time
FROM dwd_user_action
WHERE event_time >= @start AND event_time < @end AND post_key IS NOT NULL
  AND post_key % @parts = @part
GROUP BY CAST(event_time AS DATE), post_key
