#include "base/log.h"

#include <thread>
#include <vector>

#include <gmock/gmock.h>

namespace feedmill::log {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    Redirect([this](std::string_view line) { lines_.emplace_back(line); });
  }
  ~LogTest() override {
    Redirect(nullptr);
    Configure(Level::kInfo, Format::kText);
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, TextNamesLevelMessageAndFields) {
  Configure(Level::kInfo, Format::kText);
  Info("segment closed", {{"file", "a b.seg"}, {"records", 12}, {"ok", true}, {"share", 0.5}, {"partition", 3u}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0],
              EndsWith("info  segment closed  file=\"a b.seg\"  records=12  ok=true  share=0.5  partition=3"));
  EXPECT_THAT(lines_[0], MatchesRegex("....-..-..T..:..:..\\.......Z .*"));
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  Configure(Level::kInfo, Format::kJson);
  std::string text = "a\nb";
  Warn("odd \"input\"", {{"text", text}, {"count", -1}, {"ratio", 1.0 / 0.0}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0],
              EndsWith(R"("level":"warn","message":"odd \"input\"","text":"a\nb","count":-1,"ratio":"inf"})"));
  EXPECT_THAT(lines_[0], Not(HasSubstr("\n")));
}

TEST_F(LogTest, LevelsBelowTheSetOneAreSilent) {
  Configure(Level::kError, Format::kText);
  Debug("a");
  Info("b");
  Warn("c");
  EXPECT_THAT(lines_, IsEmpty());
  Error("d");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("error d")));
  EXPECT_FALSE(Enabled(Level::kWarn));
}

TEST_F(LogTest, TextKeepsToOneLine) {
  Configure(Level::kInfo, Format::kText);
  Info("two\nlines");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("two lines")));
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
  Configure(Level::kInfo, Format::kText);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) Info("x", {{"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lines_.size(), 400u);
}

}  // namespace
}  // namespace feedmill::log
