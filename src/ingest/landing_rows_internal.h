// A record of the log -> a row of the raw table it belongs to.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/event.h"
#include "data/schema.h"
#include "ingest/place_finder.h"
#include "ingest/row_writer.h"

namespace feedmill::ingest {

// Knows where the columns of one table stand. Landing thread only.
class RowMapper {
 public:
  // `schema` is the table's as it is now: columns that no record knows of get nulls. `places` may be null.
  RowMapper(const Schema& schema, const PlaceFinder* places);
  ~RowMapper();

  // Writes one row. A value of a typed column's property that is not of the column's type is null in the column; the
  // JSON beside it is whole. kCorrupt: a feed request whose document is no JSON object.
  Status Write(const LogRecord& record, LogPosition position, Micros append_time, RowWriter* writer);

 private:
  enum class Slot : int;
  struct Column {
    Slot slot;
    ColumnType type;
    std::string name;
  };
  struct Json;

  Status WriteFeedRequest(const LogRecord& record, LogPosition position, Micros append_time, RowWriter* writer);
  void WriteStandard(size_t index, const LogRecord& record, LogPosition position, RowWriter* writer) const;
  void FindTyped(const std::string& properties);
  void FindPlace(const Event& event);

  std::vector<Column> columns_;
  const PlaceFinder* places_;
  bool has_typed_ = false;
  std::string event_id_;  // of the record that is being written
  std::string bot_of_;    // the user agent that is_bot_ is about
  bool is_bot_ = false;
  std::string place_of_;
  Place network_place_;
  Place place_;
  std::unique_ptr<Json> json_;
};

}  // namespace feedmill::ingest
