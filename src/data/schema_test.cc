#include "data/schema.h"

#include <set>

#include <gtest/gtest.h>

namespace feedmill {
namespace {

constexpr int kTypeCount = static_cast<int>(ColumnType::kListFloat) + 1;

TEST(SchemaTest, EveryTypeHasNamesThatComeBack) {
  std::set<std::string_view> iceberg_names;
  for (int i = 0; i < kTypeCount; ++i) {
    auto type = static_cast<ColumnType>(i);
    EXPECT_EQ(ColumnTypeFromSqlName(ColumnTypeSqlName(type)), type);
    iceberg_names.insert(ColumnTypeName(type));
  }
  EXPECT_EQ(iceberg_names.size(), static_cast<size_t>(kTypeCount));
}

TEST(SchemaTest, ReadsWhatDuckDbCallsThem) {
  EXPECT_EQ(ColumnTypeFromSqlName("TIMESTAMP WITH TIME ZONE"), ColumnType::kTimestamptz);
  EXPECT_EQ(ColumnTypeFromSqlName("varchar"), ColumnType::kString);
  EXPECT_EQ(ColumnTypeFromSqlName("bigint"), ColumnType::kLong);
}

TEST(SchemaTest, OtherTypesAreNotOurs) {
  EXPECT_FALSE(ColumnTypeFromSqlName("HUGEINT"));
  EXPECT_FALSE(ColumnTypeFromSqlName("TIMESTAMP"));
  EXPECT_FALSE(ColumnTypeFromSqlName(""));
}

}  // namespace
}  // namespace feedmill
