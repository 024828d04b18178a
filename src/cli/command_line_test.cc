#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill::cli {
namespace {

using testing::HasSubstr;

class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    app_.require_subcommand(1);
    CLI::App* query = app_.add_subcommand("query", "read");
    query->add_option("sql", sql_, "one SELECT");
    AddChoice(query, "--format", &format_, {{"table", 1}, {"csv", 2}, {"jsonl", 3}}, "how rows are printed");
    CLI::App* bundle = app_.add_subcommand("bundle", "what serves");
    bundle->require_subcommand(1);
    bundle->add_subcommand("rollback", "back");
    app_.add_subcommand("job", "internal")->group("");
  }

  int Parse(std::vector<const char*> words) {
    words.insert(words.begin(), "feedmill");
    testing::internal::CaptureStderr();
    const int code = ParseCommandLine(app_, static_cast<int>(words.size()), words.data());
    said_ = testing::internal::GetCapturedStderr();
    return code;
  }

  CLI::App app_;
  std::string sql_, said_;
  int format_ = 1;
};

TEST_F(CommandLineTest, RightLinesRun) {
  EXPECT_EQ(Parse({"query", "SELECT 1", "--format", "csv"}), -1);
  EXPECT_EQ(format_, 2);
  EXPECT_EQ(sql_, "SELECT 1");
}

TEST_F(CommandLineTest, AnUnknownVerbIsNamedWithTheNearest) {
  EXPECT_EQ(Parse({"qurey"}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("found the verb \"qurey\", allowed: query, bundle; did you mean `query`?"));
  EXPECT_EQ(Parse({"nope"}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("found the verb \"nope\", allowed: query, bundle\n"));
  EXPECT_EQ(Parse({}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("found no verb, allowed: query, bundle"));
}

TEST_F(CommandLineTest, SoIsOneBelowAnother) {
  EXPECT_EQ(Parse({"bundle", "rolback"}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("feedmill bundle: found the verb \"rolback\""));
  EXPECT_THAT(said_, HasSubstr("did you mean `rollback`?"));
  EXPECT_THAT(said_, HasSubstr("`feedmill bundle --help` says more."));
}

TEST_F(CommandLineTest, AWrongWordSaysWhatIsAllowed) {
  EXPECT_EQ(Parse({"query", "x", "--format", "xml"}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("--format: found \"xml\", allowed: csv, jsonl, table"));
}

TEST_F(CommandLineTest, AnUnknownOptionIsNamedWithTheNearest) {
  EXPECT_EQ(Parse({"query", "--fromat=csv"}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("there is no option \"--fromat=csv\" here; did you mean `--format`?"));
  EXPECT_EQ(Parse({"query", "a", "b"}), kExitWrongUse);
  EXPECT_THAT(said_, HasSubstr("feedmill query: there is no argument \"b\" here"));
}

TEST(DidYouMeanTest, OnlyWhatIsNear) {
  const std::vector<std::string> verbs = {"query", "rebuild", "run", "up"};
  EXPECT_EQ(DidYouMean("rebiuld", verbs), "rebuild");
  EXPECT_EQ(DidYouMean("reb", verbs), "rebuild");
  EXPECT_EQ(DidYouMean("elephant", verbs), "");
  EXPECT_EQ(DidYouMean("", verbs), "");
}

}  // namespace
}  // namespace feedmill::cli
