-- model: dwd_product_event
-- doc: one row is one product_listed event as it was received, copies included
-- partition: none
-- materialize: append
-- interval: 1 day
-- batch: 31 days
-- reads: ods_event.received_time 0d 0d
-- reads: dwd_product_event self
-- key: log_partition, log_offset
-- columns: event_id VARCHAR, product_id VARCHAR, event_time TIMESTAMPTZ, received_time TIMESTAMPTZ, user_id VARCHAR, department VARCHAR, price DOUBLE, log_partition BIGINT, log_offset BIGINT
-- timeout: 20m
SELECT
  o.event_id,
  o.product_id,
  o.event_time,
  o.received_time,
  o.user_id,
  o.department,
  CAST(o.price AS DOUBLE) AS price,
  CAST(o.log_partition AS BIGINT) AS log_partition,
  CAST(o.log_offset AS BIGINT) AS log_offset
FROM ods_event o
LEFT JOIN dwd_product_event known ON known.log_partition = o.log_partition AND known.log_offset = o.log_offset
WHERE o.received_time >= @start AND o.received_time < @end
  AND o.event = 'product_listed' AND o.product_id <> '' AND o.user_id <> ''
  AND known.log_offset IS NULL
