-- model: dwd_user_action
-- doc: one row is one thing that a customer did, or was shown, once; bots are out
-- doc: the department is that of the product's latest version before the action, else of its first
-- partition: day(event_time)
-- materialize: incremental
-- interval: 1 day
-- batch: 7 days
-- lookback: 7 days
-- reads: ods_event.event_time 0d 0d
-- reads: dwd_product stable
-- reads: dim_user stable
-- reads: dim_product stable
-- key: event_id
-- timeout: 20m
WITH numbered AS (
  SELECT
    event_id, event, event_time, user_id, product_id, request_id, position, scene, source, paid, department,
    log_partition, log_offset,
    ROW_NUMBER() OVER (
      PARTITION BY event_id
      ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS copy_number
  FROM ods_event
  WHERE event_time >= @start AND event_time < @end AND event <> '' AND NOT COALESCE(is_bot, FALSE)
),
placed AS (
  SELECT
    n.event_id, n.event, n.event_time, n.user_id, n.product_id, n.request_id, n.position, n.scene, n.source, n.paid,
    n.department AS said_department, v.department, v.author_id,
    ROW_NUMBER() OVER (
      PARTITION BY n.event_id
      ORDER BY (CASE WHEN v.valid_from <= n.event_time THEN v.version ELSE -v.version END) DESC NULLS LAST
    ) AS choice
  FROM numbered n
  LEFT JOIN dwd_product v ON v.product_id = n.product_id
  WHERE n.copy_number = 1
)
SELECT
  a.event_id,
  a.event AS event_name,
  a.event_time,
  u.user_key,
  NULLIF(a.user_id, '') AS user_id,
  p.product_key,
  NULLIF(a.product_id, '') AS product_id,
  s.user_key AS author_key,
  a.author_id,
  COALESCE(a.said_department, a.department) AS department,
  CAST(a.paid AS DOUBLE) AS paid,
  NULLIF(a.request_id, '') AS request_id,
  CAST(a.position AS BIGINT) AS position,
  a.scene,
  a.source
FROM placed a
LEFT JOIN dim_user u ON u.user_id = a.user_id
LEFT JOIN dim_product p ON p.product_id = a.product_id
LEFT JOIN dim_user s ON s.user_id = a.author_id
WHERE a.choice = 1
