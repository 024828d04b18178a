#include "warehouse/file_days.h"

#include <gtest/gtest.h>

namespace feedmill::warehouse {
namespace {

TEST(FileName, TellsFilesOfOneBatchInSeveralPartitionsApart) {
  lake::DataFile one, other, moved;
  one.path = "/srv/data/lake/ods/ods_event/data/received_time_hour=10/events-1-0_0.parquet";
  other.path = "/srv/data/lake/ods/ods_event/data/received_time_hour=11/events-1-0_0.parquet";
  moved.path = "/mnt/elsewhere/data/lake/ods/ods_event/data/received_time_hour=10/events-1-0_0.parquet";
  EXPECT_NE(FileName(one), FileName(other));
  EXPECT_EQ(FileName(one), FileName(moved));
}

}  // namespace
}  // namespace feedmill::warehouse
