#include "base/config_document.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ConfigDocumentTest, KeepsValuesOrderAndLines) {
  auto document = ParseToml("a.toml", R"(zeta = "text"
alpha = 5

[table]
real = 1.5
flag = true
when = 2026-11-22T21:52:06Z
list = ["a", 2]
deep.er = 1
[[rows]]
n = 1
[[rows]]
n = 2
)");
  ASSERT_THAT(document, IsOk());
  const ConfigNode& root = document->root;
  ASSERT_EQ(root.members.size(), 4u);
  EXPECT_EQ(root.members[0].name, "zeta");
  EXPECT_EQ(root.members[0].node.text, "text");
  EXPECT_EQ(root.members[1].node.integer, 5);
  EXPECT_EQ(root.members[1].node.line, 2);
  const ConfigNode& table = *root.Find("table");
  EXPECT_EQ(table.Find("real")->real, 1.5);
  EXPECT_TRUE(table.Find("flag")->boolean);
  EXPECT_EQ(table.Find("when")->kind, ConfigNode::Kind::kTime);
  EXPECT_EQ(table.Find("when")->text, "2026-11-22T21:52:06Z");
  EXPECT_EQ(table.Find("list")->items[1].integer, 2);
  EXPECT_EQ(table.Find("deep")->line, 9);
  EXPECT_EQ(root.Find("rows")->items[1].Find("n")->integer, 2);
  EXPECT_EQ(root.Find("rows")->items[1].Find("n")->line, 13);
  EXPECT_EQ(root.Find("none"), nullptr);
  EXPECT_EQ(document->Where(*table.Find("flag")), "a.toml:6");
}

TEST(ConfigDocumentTest, ErrorsNameFileLineAndColumn) {
  EXPECT_THAT(ParseToml("a.toml", "x = 1\ny = \n"), IsError(ErrorKind::kInvalidArgument, StartsWith("a.toml:2:")));
  EXPECT_THAT(ParseToml("a.toml", "x = 1\nx = 2\n"), IsError(ErrorKind::kInvalidArgument, HasSubstr("a.toml:2")));
  EXPECT_THAT(ParseToml("a.toml", "x = \"\xff\"\n"), IsError(ErrorKind::kInvalidArgument, StartsWith("a.toml:1:")));
  EXPECT_THAT(ParseToml("a.toml", "x = 1\n[\x1d+"), IsError(ErrorKind::kInvalidArgument, StartsWith("a.toml:2:2:")));
  EXPECT_THAT(ParseToml("a.toml", "[[["), IsError(ErrorKind::kInvalidArgument, StartsWith("a.toml:1:3:")));
}

TEST(ConfigDocumentTest, DescribesWhatWasFound) {
  auto document = ParseToml("", "a = 'x'\nb = 1\nc = 0.5\nd = false\ne = [1, 2]\nf = {}\n");
  ASSERT_THAT(document, IsOk());
  std::string all;
  for (const auto& [name, node] : document->root.members) all += node.Describe() + "; ";
  EXPECT_EQ(all, "text \"x\"; integer 1; number 0.5; false; a list of 2; a table; ");
}

TEST(ConfigDocumentTest, LettersOfAllTongues) {
  for (const std::string_view text : {
           "x = 'gr\xc3\xbc\xc3\x9f' # \xc3\xa4 \"\n",
           "x = \"\"\"\\\n \xd0\xae\"\"\"\n",
           "'\xc3\xa4' = \"\"\n\"\xc3\xb6\" = 1\n",
       }) {
    auto document = ParseToml("a.toml", text);
    EXPECT_TRUE(document) << text << ": " << document.error().ToString();
  }
  for (const std::string_view text : {"x = 1 \xc3\xa4", "\xc6\xa3", "x = 'a\n\xc3\xa4'", "e=3-'=\xd0\xae"})
    EXPECT_THAT(ParseToml("a.toml", text), IsError(ErrorKind::kInvalidArgument, StartsWith("a.toml:1:"))) << text;
}

}  // namespace
}  // namespace feedmill
