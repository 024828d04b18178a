#include "app/rows_text.h"

#include <gtest/gtest.h>

namespace feedmill::app {
namespace {

Column Named(const std::string& name, ColumnType type) {
  Column column;
  column.name = name;
  column.type = type;
  return column;
}

query::Rows Sample() {
  query::Rows rows;
  rows.columns = {Named("id", ColumnType::kString), Named("at", ColumnType::kTimestamptz),
                  Named("n", ColumnType::kLong)};
  rows.rows = {{std::string("a,\"b\""), int64_t{0}, int64_t{7}}, {nullptr, nullptr, int64_t{-1}}};
  return rows;
}

TEST(RowsText, CsvQuotesWhatNeedsIt) {
  EXPECT_EQ(RowsText(Sample(), RowsFormat::kCsv), "id,at,n\n\"a,\"\"b\"\"\",1970-01-01T00:00:00.000000Z,7\n,,-1\n");
}

TEST(RowsText, JsonLinesKeepTypesAndNulls) {
  EXPECT_EQ(
      RowsText(Sample(), RowsFormat::kJsonLines),
      "{\"id\":\"a,\\\"b\\\"\",\"at\":\"1970-01-01T00:00:00.000000Z\",\"n\":7}\n{\"id\":null,\"at\":null,\"n\":-1}\n");
}

TEST(RowsText, TableAlignsColumnsAndCountsRows) {
  const std::string text = RowsText(Sample(), RowsFormat::kTable);
  EXPECT_NE(text.find("id     at                           n"), std::string::npos) << text;
  EXPECT_NE(text.find("(2 rows)"), std::string::npos);
}

}  // namespace
}  // namespace feedmill::app
