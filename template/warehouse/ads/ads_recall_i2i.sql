-- model: ads_recall_i2i
-- doc: one row is one post and one of its 50 most similar posts by who engaged with both in the last 14 days that have events
-- doc: score is the cosine of the posts' engagement vectors, each engagement halving every 3 days up to the end of the bulk of events
-- doc: a user counts with the 30 posts engaged with last, which bounds the pairs of one user to 870
-- doc: sums of scores are taken over whole numbers of 1e-12, so that they do not depend on the order of rows
-- partition: none
-- materialize: full
-- reads: dwd_user_action.event_time last 14d
-- reads: dim_post stable
-- key: post_key, similar_post_key
-- timeout: 20m
WITH engagement AS (
  SELECT
    user_key, post_key, MAX(event_time) AS last_time,
    MAX(@taste) AS strength
  FROM dwd_user_action
  WHERE event_time >= @since AND event_time < @end
    AND @taste > 0
    AND user_key IS NOT NULL AND post_key IS NOT NULL
  GROUP BY user_key, post_key
),
recent AS (
  SELECT
    user_key, post_key,
    CAST(strength * GREATEST(POWER(0.5, (UNIX_MICROS(@newest) - UNIX_MICROS(LEAST(last_time, @newest))) / (3 * 86400000000.0)), 1e-6) AS DOUBLE) AS weight,
    ROW_NUMBER() OVER (
      PARTITION BY user_key ORDER BY last_time DESC NULLS LAST, post_key ASC NULLS LAST
    ) AS recency
  FROM engagement
),
bounded AS (
  SELECT user_key, post_key, weight FROM recent WHERE recency <= 30
),
norm AS (
  SELECT post_key, SQRT(SUM(CAST(ROUND(weight * weight * 1e12) AS BIGINT)) / 1e12) AS length FROM bounded GROUP BY post_key
),
pair AS (
  SELECT
    a.post_key, b.post_key AS similar_post_key,
    SUM(CAST(ROUND(a.weight * b.weight * 1e12) AS BIGINT)) / 1e12 AS dot, COUNT(*) AS users
  FROM bounded a
  JOIN bounded b ON b.user_key = a.user_key AND b.post_key <> a.post_key
  WHERE a.post_key % @parts = @part
  GROUP BY a.post_key, b.post_key
),
scored AS (
  SELECT
    p.post_key, p.similar_post_key, p.users, p.dot / (l.length * r.length) * (p.users / (p.users + 2.0)) AS score
  FROM pair p
  JOIN norm l ON l.post_key = p.post_key
  JOIN norm r ON r.post_key = p.similar_post_key
),
ranked AS (
  SELECT
    post_key, similar_post_key, users, score,
    ROW_NUMBER() OVER (
      PARTITION BY post_key ORDER BY score DESC NULLS LAST, similar_post_key ASC NULLS LAST
    ) AS place
  FROM scored
)
SELECT
  r.post_key,
  a.post_id,
  r.similar_post_key,
  b.post_id AS similar_post_id,
  r.score,
  r.users,
  CAST(r.place AS INTEGER) AS place
FROM ranked r
JOIN dim_post a ON a.post_key = r.post_key
JOIN dim_post b ON b.post_key = r.similar_post_key
WHERE r.place <= 50
ORDER BY r.post_key ASC NULLS LAST, r.place ASC NULLS LAST
