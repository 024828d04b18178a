#include "cli/csv_reader.h"

#include <sstream>

#include <gtest/gtest.h>

namespace feedmill::cli {
namespace {

std::vector<std::vector<std::string>> ReadAll(const std::string& text, char separator = ',') {
  std::istringstream in(text);
  CsvReader reader(in, separator);
  std::vector<std::vector<std::string>> records;
  std::vector<std::string> fields;
  while (true) {
    const auto more = reader.Next(&fields);
    EXPECT_TRUE(more.has_value());
    if (!more || !*more) return records;
    records.push_back(fields);
  }
}

TEST(CsvReader, ReadsPlainAndQuotedFields) {
  const auto records = ReadAll("a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\n,,\n");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0], (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(records[1], (std::vector<std::string>{"1", "x, \"y\"\nz", ""}));
  EXPECT_EQ(records[2], (std::vector<std::string>{"", "", ""}));
}

TEST(CsvReader, AByteOrderMarkIsNoPartOfTheFirstName) {
  EXPECT_EQ(ReadAll("\xef\xbb\xbfid,user\n\xef\xbb\xbf,2\n"),
            (std::vector<std::vector<std::string>>{{"id", "user"}, {"\xef\xbb\xbf", "2"}}));
  EXPECT_EQ(ReadAll("\xef\xbb,x\n"), (std::vector<std::vector<std::string>>{{"\xef\xbb", "x"}}));
}

TEST(CsvReader, LastLineNeedsNoLineBreak) {
  EXPECT_EQ(ReadAll("a\tb", '\t'), (std::vector<std::vector<std::string>>{{"a", "b"}}));
}

TEST(CsvReader, CountsLinesOverQuotedBreaks) {
  std::istringstream in("a\n\"b\nb\"\nc\n");
  CsvReader reader(in, ',');
  std::vector<std::string> fields;
  std::vector<size_t> lines;
  while (*reader.Next(&fields)) lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<size_t>{1, 2, 4}));
}

TEST(CsvReader, RefusesALostQuote) {
  std::istringstream in("a,b\n1,\"open\n2,3\n");
  CsvReader reader(in, ',');
  std::vector<std::string> fields;
  ASSERT_TRUE(reader.Next(&fields).has_value());
  const auto broken = reader.Next(&fields);
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().message(), "line 2: the file ends inside a quoted field");
}

}  // namespace
}  // namespace feedmill::cli
