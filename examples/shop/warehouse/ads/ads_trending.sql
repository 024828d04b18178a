-- model: ads_trending
-- doc: one row is one product among the 300 that people wanted most, in all departments ('all') and in each
-- doc: score is the sum of tastes of the last 14 days that have events, each halving every 3 days
-- partition: none
-- materialize: full
-- reads: dwd_user_action.event_time last 14d
-- key: department, product_key
-- timeout: 20m
WITH engagement AS (
  SELECT
    product_key, product_id, department,
    @taste * POWER(0.5, (UNIX_MICROS(@newest) - UNIX_MICROS(LEAST(event_time, @newest))) / (3 * 86400000000.0)) AS weight
  FROM dwd_user_action
  WHERE event_time >= @since AND event_time < @end AND @taste <> 0 AND product_key IS NOT NULL
),
scored AS (
  SELECT product_key, MAX(product_id) AS product_id, MAX(department) AS department, SUM(CAST(ROUND(weight * 1e9) AS BIGINT)) / 1e9 AS score
  FROM engagement
  GROUP BY product_key
),
listed AS (
  SELECT 'all' AS department, product_key, product_id, score FROM scored WHERE score > 0
  UNION ALL
  SELECT department, product_key, product_id, score FROM scored WHERE score > 0 AND department IS NOT NULL
),
ranked AS (
  SELECT
    department, product_key, product_id, score,
    ROW_NUMBER() OVER (PARTITION BY department ORDER BY score DESC NULLS LAST, product_key ASC NULLS LAST) AS place
  FROM listed
)
SELECT department, product_key, product_id, score, CAST(place AS INTEGER) AS place
FROM ranked
WHERE place <= 300
ORDER BY department ASC NULLS LAST, place ASC NULLS LAST
