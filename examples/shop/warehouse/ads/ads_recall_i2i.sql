-- model: ads_recall_i2i
-- doc: one row is one product and one of its 50 most similar products, by who looked at, carted or bought both in 60 days
-- partition: none
-- materialize: full
-- reads: dwd_user_action.event_time last 60d
-- reads: dim_product stable
-- key: product_key, similar_product_key
-- timeout: 20m
WITH engagement AS (
  SELECT user_key, product_key, MAX(@taste) AS weight, MAX(event_time) AS last_time
  FROM dwd_user_action
  WHERE event_time >= @since AND event_time < @end AND @taste > 0
    AND user_key IS NOT NULL AND product_key IS NOT NULL
  GROUP BY user_key, product_key
),
recent AS (
  SELECT
    user_key, product_key, weight,
    ROW_NUMBER() OVER (PARTITION BY user_key ORDER BY last_time DESC NULLS LAST, product_key ASC NULLS LAST) AS place
  FROM engagement
),
bounded AS (
  SELECT user_key, product_key, weight FROM recent WHERE place <= 50
),
norm AS (
  SELECT product_key, SQRT(SUM(weight * weight)) AS length FROM bounded GROUP BY product_key
),
pair AS (
  SELECT a.product_key, b.product_key AS similar_product_key, SUM(a.weight * b.weight) AS dot, COUNT(*) AS users
  FROM bounded a
  JOIN bounded b ON b.user_key = a.user_key AND b.product_key <> a.product_key
  WHERE a.product_key % @parts = @part
  GROUP BY a.product_key, b.product_key
),
ranked AS (
  SELECT
    p.product_key, p.similar_product_key, p.users,
    p.dot / (l.length * r.length) * (p.users / (p.users + 2.0)) AS score,
    ROW_NUMBER() OVER (
      PARTITION BY p.product_key
      ORDER BY p.dot / (l.length * r.length) * (p.users / (p.users + 2.0)) DESC NULLS LAST, p.similar_product_key ASC NULLS LAST
    ) AS place
  FROM pair p
  JOIN norm l ON l.product_key = p.product_key
  JOIN norm r ON r.product_key = p.similar_product_key
)
SELECT
  r.product_key,
  a.product_id,
  r.similar_product_key,
  b.product_id AS similar_product_id,
  r.score,
  r.users,
  CAST(r.place AS INTEGER) AS place
FROM ranked r
JOIN dim_product a ON a.product_key = r.product_key
JOIN dim_product b ON b.product_key = r.similar_product_key
WHERE r.place <= 50
ORDER BY r.product_key ASC NULLS LAST, r.place ASC NULLS LAST
