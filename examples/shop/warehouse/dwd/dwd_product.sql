-- model: dwd_product
-- doc: one row is one version of a product: what it cost from one listing until the next
-- doc: the seller is whose listing was received first; those of others are no versions of it
-- partition: none
-- materialize: full
-- reads: dwd_product_event.event_time
-- reads: dim_product stable
-- reads: dim_user stable
-- key: product_id, version
-- timeout: 20m
WITH listing AS (
  SELECT
    product_id, event_time, received_time, user_id, department, price, log_partition, log_offset,
    ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY log_partition ASC NULLS LAST, log_offset ASC NULLS LAST) AS copy_number
  FROM dwd_product_event
  WHERE event_time < @end
),
authored AS (
  SELECT
    product_id, event_time, user_id, department, price, log_partition, log_offset,
    FIRST_VALUE(user_id) OVER (
      PARTITION BY product_id ORDER BY received_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    ) AS author_id
  FROM listing
  WHERE copy_number = 1
),
version AS (
  SELECT
    product_id, event_time, author_id, department, price,
    ROW_NUMBER() OVER (
      PARTITION BY product_id ORDER BY event_time ASC NULLS LAST, log_partition ASC NULLS LAST, log_offset ASC NULLS LAST
    ) AS version,
    MIN(event_time) OVER (PARTITION BY product_id) AS created_time
  FROM authored
  WHERE user_id = author_id
)
SELECT
  p.product_key,
  v.product_id,
  CAST(v.version AS INTEGER) AS version,
  u.user_key AS author_key,
  v.author_id,
  v.department,
  v.price,
  v.created_time,
  v.event_time AS valid_from
FROM version v
LEFT JOIN dim_product p ON p.product_id = v.product_id
LEFT JOIN dim_user u ON u.user_id = v.author_id
ORDER BY p.product_key ASC NULLS LAST, v.version ASC NULLS LAST
