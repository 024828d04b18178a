-- model: ads_recall_u2u_cf
-- doc: one row is one user and one of up to 50 posts that similar users engaged with and this user did not
-- doc: similar users (20 at most) share engaged posts of the last 14 days that have events; a post shared by few weighs more
-- doc: a post counts with its 30 latest engaged users and a user with the 50 latest posts, so that one user meets at most
-- doc: 1,450 others and the work grows with the users; each of the similar users gives the 10 latest posts
-- doc: sums of scores are taken over whole numbers of 1e-12, so that they do not depend on the order of rows
-- partition: none
-- materialize: full
-- reads: dwd_user_action.event_time last 14d
-- reads: dim_user stable
-- reads: dim_post stable
-- key: user_key, post_key
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
weighted AS (
  SELECT
    user_key, post_key,
    CAST(strength * GREATEST(POWER(0.5, (UNIX_MICROS(@newest) - UNIX_MICROS(LEAST(last_time, @newest))) / (3 * 86400000000.0)), 1e-6) AS DOUBLE) AS weight,
    ROW_NUMBER() OVER (
      PARTITION BY user_key ORDER BY last_time DESC NULLS LAST, post_key ASC NULLS LAST
    ) AS user_recency,
    ROW_NUMBER() OVER (
      PARTITION BY post_key ORDER BY last_time DESC NULLS LAST, user_key ASC NULLS LAST
    ) AS post_recency,
    COUNT(*) OVER (PARTITION BY post_key) AS post_users
  FROM engagement
),
member AS (
  SELECT user_key, post_key, 1.0 / LN(2.0 + post_users) AS rarity
  FROM weighted
  WHERE post_recency <= 30 AND user_recency <= 50
),
length AS (
  SELECT user_key, SQRT(COUNT(*)) AS length FROM member GROUP BY user_key
),
look_alike AS (
  SELECT a.user_key, b.user_key AS neighbour_key, SUM(CAST(ROUND(a.rarity * 1e12) AS BIGINT)) / 1e12 AS shared
  FROM member a
  JOIN member b ON b.post_key = a.post_key AND b.user_key <> a.user_key
  WHERE a.user_key % @parts = @part
  GROUP BY a.user_key, b.user_key
),
neighbour AS (
  SELECT
    s.user_key, s.neighbour_key, s.shared / (a.length * b.length) AS similarity,
    ROW_NUMBER() OVER (
      PARTITION BY s.user_key ORDER BY s.shared / (a.length * b.length) DESC NULLS LAST, s.neighbour_key ASC NULLS LAST
    ) AS place
  FROM look_alike s
  JOIN length a ON a.user_key = s.user_key
  JOIN length b ON b.user_key = s.neighbour_key
),
candidate AS (
  SELECT n.user_key, w.post_key, SUM(CAST(ROUND(n.similarity * w.weight * 1e12) AS BIGINT)) / 1e12 AS score
  FROM neighbour n
  JOIN weighted w ON w.user_key = n.neighbour_key AND w.user_recency <= 10
  LEFT JOIN engagement own ON own.user_key = n.user_key AND own.post_key = w.post_key
  WHERE n.place <= 20 AND own.user_key IS NULL
  GROUP BY n.user_key, w.post_key
),
ranked AS (
  SELECT
    user_key, post_key, score,
    ROW_NUMBER() OVER (PARTITION BY user_key ORDER BY score DESC NULLS LAST, post_key ASC NULLS LAST) AS place
  FROM candidate
)
SELECT
  r.user_key,
  u.user_id,
  r.post_key,
  p.post_id,
  r.score,
  CAST(r.place AS INTEGER) AS place
FROM ranked r
JOIN dim_user u ON u.user_key = r.user_key
JOIN dim_post p ON p.post_key = r.post_key
WHERE r.place <= 50
ORDER BY r.user_key ASC NULLS LAST, r.place ASC NULLS LAST
