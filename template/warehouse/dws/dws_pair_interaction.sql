-- model: dws_pair_interaction
-- doc: one row is one user and one author on one UTC day; reverse_actions are the author's about the user on that day
-- partition: day(day)
-- materialize: incremental
-- interval: 1 day
-- batch: 7 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time 0d 0d
-- key: day, user_key, author_key
-- timeout: 10m
WITH pair AS (
  SELECT
    CAST(event_time AS DATE) AS day,
    user_key,
    author_key,
    COUNT(*) FILTER (WHERE event_name = 'feed_impression') AS impressions,
    COUNT(*) FILTER (WHERE event_name <> 'feed_impression') AS actions,
    COUNT(*) FILTER (WHERE event_name = 'post_click') AS clicks,
    COUNT(*) FILTER (WHERE event_name = 'like') AS likes,
    COUNT(*) FILTER (WHERE event_name = 'comment') AS comments,
    COUNT(*) FILTER (WHERE event_name = 'share') AS shares,
    COUNT(*) FILTER (WHERE event_name = 'follow') AS follows,
    COUNT(*) FILTER (WHERE event_name IN ('hide', 'unfollow')) AS rejections,
    CAST(SUM(COALESCE(dwell_ms, 0)) AS BIGINT) AS dwell_ms,
    MAX(event_time) AS last_time
  FROM dwd_user_action
  WHERE event_time >= @start AND event_time < @end AND event_name <> 'post_create'
    AND user_key IS NOT NULL AND author_key IS NOT NULL AND user_key <> author_key
    AND (user_key + author_key) % @parts = @part
  GROUP BY CAST(event_time AS DATE), user_key, author_key
)
SELECT
  p.day,
  p.user_key,
  p.author_key,
  p.impressions,
  p.actions,
  p.clicks,
  p.likes,
  p.comments,
  p.shares,
  p.follows,
  p.rejections,
  p.dwell_ms,
  COALESCE(r.actions, 0) AS reverse_actions,
  p.last_time
FROM pair p
LEFT JOIN pair r
  ON r.day = p.day AND r.user_key = p.author_key AND r.author_key = p.user_key AND r.actions > 0
