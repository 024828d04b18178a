-- model: ads_recall_i2i
-- doc: one row is one post and one of its 200 most similar posts by who acted on both
-- doc: score is a cosine: actions halve every 200 days, two actions of one user count less the further apart they are
-- doc: (by e every 15 days), and a user of many actions less for each; a pair of few users counts less
-- doc: a user counts with the 100 posts acted on last, which bounds the pairs of one user to 4950
-- partition: none
-- materialize: full
-- reads: dwd_user_action.event_time -3650d
-- key: post_key, similar_post_key
-- memory: 2GiB
-- timeout: 10m
WITH engagement AS (
  SELECT user_key, post_key, MAX(post_id) AS post_id, MAX(event_time) AS last_time
  FROM dwd_user_action
  WHERE event_time >= @end - INTERVAL 3650 DAY AND event_time < @end
    AND event_name IN ('post_click', 'like', 'comment', 'share')
    AND user_key IS NOT NULL AND post_key IS NOT NULL
  GROUP BY user_key, post_key
),
recent AS (
  SELECT
    user_key, post_key, post_id,
    UNIX_MICROS(last_time) / 86400000000.0 AS day,
    CAST(POWER(0.5, (UNIX_MICROS(@end) - UNIX_MICROS(last_time)) / (200 * 86400000000.0)) AS DOUBLE) AS weight,
    1 / SQRT(COUNT(*) OVER (PARTITION BY user_key)) AS rarity,
    ROW_NUMBER() OVER (
      PARTITION BY user_key ORDER BY last_time DESC NULLS LAST, post_key ASC NULLS LAST
    ) AS recency
  FROM engagement
),
bounded AS (
  SELECT user_key, post_key, post_id, day, weight, rarity FROM recent WHERE recency <= 100
),
norm AS (
  SELECT post_key, MAX(post_id) AS post_id, SQRT(SUM(weight * weight)) AS length FROM bounded GROUP BY post_key
),
pair AS (
  SELECT
    a.post_key AS left_key, b.post_key AS right_key,
    SUM(a.weight * b.weight * a.rarity * EXP(-ABS(a.day - b.day) / 15)) AS dot,
    COUNT(*) AS users
  FROM bounded a
  JOIN bounded b ON b.user_key = a.user_key AND a.post_key < b.post_key
  GROUP BY a.post_key, b.post_key
),
scored AS (
  SELECT p.left_key, p.right_key, p.users, p.dot / (l.length * r.length) * (p.users / (p.users + 2.0)) AS score
  FROM pair p
  JOIN norm l ON l.post_key = p.left_key
  JOIN norm r ON r.post_key = p.right_key
),
both_ways AS (
  SELECT left_key AS post_key, right_key AS similar_post_key, users, score FROM scored
  UNION ALL
  SELECT right_key AS post_key, left_key AS similar_post_key, users, score FROM scored
),
ranked AS (
  SELECT
    post_key, similar_post_key, users, score,
    ROW_NUMBER() OVER (
      PARTITION BY post_key ORDER BY score DESC NULLS LAST, similar_post_key ASC NULLS LAST
    ) AS place
  FROM both_ways
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
JOIN norm a ON a.post_key = r.post_key
JOIN norm b ON b.post_key = r.similar_post_key
WHERE r.place <= 200
ORDER BY r.post_key ASC NULLS LAST, r.place ASC NULLS LAST
