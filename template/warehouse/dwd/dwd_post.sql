-- model: dwd_post
-- doc: one row is one version of a post, valid from its post_create event until the next one of the same post
-- doc: a post is of the user whose post_create was received first; those of others are no versions of it
-- doc: versions of one instant come in the order of the log
-- partition: none
-- materialize: full
-- reads: dwd_post_event.event_time
-- reads: dim_post stable
-- reads: dim_user stable
-- key: post_id, version
-- timeout: 10m
WITH creation AS (
  SELECT
    post_id, event_id, event_time, received_time, user_id, topic, text_length, lang, log_partition, log_offset,
    ROW_NUMBER() OVER (
      PARTITION BY event_id
      ORDER BY received_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS copy_number
  FROM dwd_post_event
  WHERE event_time < @end
),
authored AS (
  SELECT
    post_id, event_time, user_id, topic, text_length, lang, log_partition, log_offset,
    FIRST_VALUE(user_id) OVER (
      PARTITION BY post_id ORDER BY received_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS author_id
  FROM creation
  WHERE copy_number = 1
),
version AS (
  SELECT
    post_id, event_time, author_id, topic, text_length, lang,
    ROW_NUMBER() OVER (PARTITION BY post_id ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST) AS version,
    MIN(event_time) OVER (PARTITION BY post_id) AS created_time,
    LEAD(event_time) OVER (PARTITION BY post_id ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST) AS valid_to
  FROM authored
  WHERE user_id = author_id
)
SELECT
  p.post_key,
  v.post_id,
  CAST(v.version AS INTEGER) AS version,
  u.user_key AS author_key,
  v.author_id,
  v.topic,
  CAST(v.text_length AS BIGINT) AS text_length,
  v.lang,
  v.created_time,
  v.event_time AS valid_from,
  v.valid_to,
  v.valid_to IS NULL AS is_current
FROM version v
LEFT JOIN dim_post p ON p.post_id = v.post_id
LEFT JOIN dim_user u ON u.user_id = v.author_id
ORDER BY p.post_key ASC NULLS LAST, v.version ASC NULLS LAST
