-- model: dwd_impression
-- doc: one row is one product that was shown, with what the customer did about it within 24 hours (labels of domain.toml)
-- doc: an action belongs to the customer's latest earlier impression of the product
-- partition: day(event_time)
-- materialize: incremental
-- interval: 1 day
-- batch: 7 days
-- lookback: 7 days
-- reads: dwd_user_action.event_time -1d 1d
-- key: event_id
-- timeout: 20m
WITH touch AS (
  SELECT
    event_id, event_time, user_key, product_key,
    CASE WHEN event_name IN (@shown_events) THEN 1 ELSE 0 END AS is_shown,
    @each_label(CASE WHEN @is THEN 1 ELSE 0 END AS @label)
  FROM dwd_user_action
  WHERE event_name IN (@shown_events, @label_events)
    AND event_time >= @start - INTERVAL 24 HOUR AND event_time < @end + INTERVAL 24 HOUR
    AND user_key IS NOT NULL AND product_key IS NOT NULL
),
numbered AS (
  SELECT
    event_id, event_time, user_key, product_key, is_shown, @each_label(@label),
    SUM(is_shown) OVER (
      PARTITION BY user_key, product_key
      ORDER BY event_time ASC NULLS LAST, is_shown DESC NULLS LAST, event_id ASC NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place
  FROM touch
),
label AS (
  SELECT s.event_id, @each_label(MAX(o.@label) AS @label)
  FROM numbered s
  JOIN numbered o ON o.user_key = s.user_key AND o.product_key = s.product_key AND o.place = s.place
  WHERE s.is_shown = 1 AND o.is_shown = 0 AND o.event_time < s.event_time + INTERVAL 24 HOUR
  GROUP BY s.event_id
)
SELECT
  a.event_id,
  a.event_time,
  a.request_id,
  a.user_key,
  a.user_id,
  a.product_key,
  a.product_id,
  a.author_key,
  a.author_id,
  a.department,
  a.position,
  a.scene,
  a.source,
  @each_label(COALESCE(l.@label, 0) AS @label)
FROM dwd_user_action a
LEFT JOIN label l ON l.event_id = a.event_id
WHERE a.event_name IN (@shown_events) AND a.event_time >= @start AND a.event_time < @end
  AND a.user_key IS NOT NULL AND a.product_key IS NOT NULL
