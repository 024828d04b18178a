#include "ingest/event_tables.h"

namespace feedmill::ingest {
namespace {

Column Text(std::string_view name, std::string_view doc) {
  return {0, std::string(name), ColumnType::kString, false, std::string(doc), 0};
}
Column Time(std::string_view name, std::string_view doc) {
  return {0, std::string(name), ColumnType::kTimestamptz, false, std::string(doc), 0};
}
Column Long(std::string_view name, std::string_view doc) {
  return {0, std::string(name), ColumnType::kLong, false, std::string(doc), 0};
}

}  // namespace

const Schema& StandardEventColumns() {
  static const Schema columns = {
      Text("event_id",
           "the messageId; of other write keys than `app`, or with a colon in it, behind the key's name and a colon"),
      Text("type", "track, identify, page, screen, group or alias"),
      Text("event", "name of a track event"),
      Text("user_id", "userId"),
      Text("anonymous_id", "anonymousId"),
      Time("event_time", "when it happened, by the server's clock"),
      Time("original_time", "when it happened, by the client's clock"),
      Time("received_time", "when the server had it"),
      Text("ip", "the client's network: /24 or /48"),
      Text("country", "ISO 3166 code, of the network or as the client said"),
      Text("region", "of the network or as the client said"),
      Text("city", "of the network or as the client said"),
      Text("user_agent", "as the client said"),
      Column{0, "is_bot", ColumnType::kBoolean, false, "whether the user agent is a bot's; null before it was flagged",
             0},
      Text("write_source", "name of the write key that let it in"),
      Text("context", "context as JSON"),
      Text("properties", "properties or traits as JSON"),
      Long("log_partition", "where it stands in the event log"),
      Long("log_offset", "where it stands in the event log"),
  };
  return columns;
}

Schema EventTableSchema(const Schema& typed_columns) {
  Schema schema = StandardEventColumns();
  schema.insert(schema.end(), typed_columns.begin(), typed_columns.end());
  return schema;
}

const Schema& RejectedTableSchema() {
  static const Schema columns = [] {
    Schema schema = StandardEventColumns();
    schema.push_back(Text("reason", "why it was refused, for people"));
    schema.push_back(Text("field", "path of the offending field; empty when the whole message"));
    schema.push_back(Text("rule", "machine name of the rule"));
    schema.push_back(Text("raw", "what was received, cut at a limit"));
    return schema;
  }();
  return columns;
}

const Schema& FeedRequestTableSchema() {
  static const Schema columns = {
      Text("request_id", "names the request in the impressions it led to"),
      Text("user_id", "whose feed"),
      Text("scene", "which feed"),
      Time("request_time", "when it was asked for"),
      Time("received_time", "when it entered the log"),
      Text("bundle", "version of index, features and models; null when no bundle was live"),
      Text("experiment", "JSON: experiment arms"),
      Text("degraded", "JSON: list of what was missing"),
      Column{0, "n", ColumnType::kLong, false, "items asked for", 0},
      Column{0, "total_ms", ColumnType::kDouble, false, "milliseconds it took", 0},
      Text("funnel", "JSON: candidates left and milliseconds taken, by stage"),
      Text("filtered", "JSON: candidates left out, by rule"),
      Text("items", "JSON: the items shown, with source, scores and features"),
      Text("sampled", "JSON: a sample of the candidates that were not shown"),
      Text("feature_set", "hash of the feature definitions"),
      Text("feature_names", "JSON: names of the feature values, in order"),
      Text("actions", "JSON: names of the action probabilities, in order"),
      Text("weights", "JSON: weight of each action, in order"),
      Long("log_partition", "where it stands in the event log"),
      Long("log_offset", "where it stands in the event log"),
      Time("as_of", "the instant features were read at"),
      Text("applied", "partition:offset, the next log record of each partition when the state was read"),
  };
  return columns;
}

lake::PartitionSpec RawTablePartition() { return {{"received_time", lake::Transform::kHour}}; }

}  // namespace feedmill::ingest
