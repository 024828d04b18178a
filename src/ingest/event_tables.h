// The raw tables that landing writes: their columns and partitions.
#pragma once

#include <array>
#include <string_view>

#include "data/schema.h"
#include "lake/table.h"

namespace feedmill::ingest {

inline constexpr std::string_view kEventTable = "ods.ods_event";
inline constexpr std::string_view kRejectedTable = "ods.ods_event_rejected";
inline constexpr std::string_view kFeedRequestTable = "ods.ods_feed_request";
inline constexpr std::array<std::string_view, 3> kRawTables = {kEventTable, kRejectedTable, kFeedRequestTable};

// Columns every event has. Typed columns of the tracking plan follow them in ods_event.
const Schema& StandardEventColumns();
// ods_event of a plan with these typed columns.
Schema EventTableSchema(const Schema& typed_columns);
// The shape of an event as text, and why it was refused.
const Schema& RejectedTableSchema();
const Schema& FeedRequestTableSchema();
// Hours of received_time.
lake::PartitionSpec RawTablePartition();

}  // namespace feedmill::ingest
