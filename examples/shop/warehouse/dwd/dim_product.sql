-- model: dim_product
-- doc: one row is one product ever mentioned; product_key is dense from 0, given in log order, and never changes
-- partition: none
-- materialize: append
-- interval: 1 day
-- batch: 31 days
-- reads: ods_event.received_time 0d 0d
-- reads: dim_product self
-- key: product_id
-- columns: product_key BIGINT, product_id VARCHAR, first_seen_time TIMESTAMPTZ
-- timeout: 20m
WITH mention AS (
  SELECT product_id, MIN(event_time) AS first_seen_time, MIN(log_offset * 1024 + log_partition) AS log_order
  FROM ods_event
  WHERE received_time >= @start AND received_time < @end AND product_id <> ''
  GROUP BY product_id
)
SELECT
  ROW_NUMBER() OVER (ORDER BY m.log_order ASC NULLS LAST, m.product_id ASC NULLS LAST) - 1 + size.next_key AS product_key,
  m.product_id,
  m.first_seen_time
FROM mention m
LEFT JOIN dim_product known ON known.product_id = m.product_id
CROSS JOIN (SELECT COALESCE(MAX(product_key) + 1, 0) AS next_key FROM dim_product) size
WHERE known.product_id IS NULL
ORDER BY product_key ASC NULLS LAST
