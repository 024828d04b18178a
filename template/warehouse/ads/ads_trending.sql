-- model: ads_trending
-- doc: one row is one post among the 500 with most engagement now, over all topics ('all') and per topic (200 each)
-- doc: score is the sum of weighted engagements of the last 3 days that have events, each halving every 6 hours
-- doc: up to the end of the bulk of events; what halved 20 times counts a millionth from then on
-- doc: sums of scores are taken over whole numbers of 1e-12, so that they do not depend on the order of rows
-- partition: none
-- materialize: full
-- reads: dwd_user_action.event_time last 3d
-- key: topic, post_key
-- timeout: 10m
WITH engagement AS (
  SELECT
    post_key, post_id, topic,
    @taste * GREATEST(POWER(0.5, (UNIX_MICROS(@newest) - UNIX_MICROS(LEAST(event_time, @newest))) / (6 * 3600000000.0)), 1e-6) AS weight
  FROM dwd_user_action
  WHERE event_time >= @since AND event_time < @end
    AND @taste <> 0
    AND post_key IS NOT NULL
),
scored AS (
  SELECT post_key, MAX(post_id) AS post_id, MAX(topic) AS topic, SUM(CAST(ROUND(weight * 1e12) AS BIGINT)) / 1e12 AS score, COUNT(*) AS engagements
  FROM engagement
  GROUP BY post_key
),
listed AS (
  SELECT 'all' AS topic, post_key, post_id, score, engagements, 500 AS places FROM scored WHERE score > 0
  UNION ALL
  SELECT topic, post_key, post_id, score, engagements, 200 AS places FROM scored WHERE score > 0 AND topic IS NOT NULL
),
ranked AS (
  SELECT
    topic, post_key, post_id, score, engagements, places,
    ROW_NUMBER() OVER (PARTITION BY topic ORDER BY score DESC NULLS LAST, post_key ASC NULLS LAST) AS place
  FROM listed
)
SELECT topic, post_key, post_id, score, engagements, CAST(place AS INTEGER) AS place
FROM ranked
WHERE place <= places
ORDER BY topic ASC NULLS LAST, place ASC NULLS LAST
