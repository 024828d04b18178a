-- model: dwd_post_event
-- doc: one row is one post_create event as it was received, copies included
-- doc: posts are few among the events: dwd_post reads this table, and no night reads the events of all years
-- partition: none
-- materialize: append
-- interval: 1 day
-- batch: 31 days
-- reads: ods_event.received_time 0d 0d
-- reads: dwd_post_event self
-- key: log_partition, log_offset
-- columns: event_id VARCHAR, post_id VARCHAR, event_time TIMESTAMPTZ, received_time TIMESTAMPTZ, user_id VARCHAR, topic VARCHAR, text_length BIGINT, lang VARCHAR, log_partition BIGINT, log_offset BIGINT
-- timeout: 10m
SELECT
  o.event_id,
  o.post_id,
  o.event_time,
  o.received_time,
  o.user_id,
  o.topic,
  CAST(o.text_length AS BIGINT) AS text_length,
  o.lang,
  CAST(o.log_partition AS BIGINT) AS log_partition,
  CAST(o.log_offset AS BIGINT) AS log_offset
FROM ods_event o
LEFT JOIN dwd_post_event known ON known.log_partition = o.log_partition AND known.log_offset = o.log_offset
WHERE o.received_time >= @start AND o.received_time < @end
  AND o.event = 'post_create' AND o.post_id <> '' AND o.user_id <> ''
  AND known.log_offset IS NULL
