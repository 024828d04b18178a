#include "data/event_id.h"

#include <set>

#include <gtest/gtest.h>

namespace feedmill {
namespace {

std::string Id(std::string_view source, std::string_view message_id) {
  std::string id;
  AppendEventId(source, message_id, &id);
  return id;
}

TEST(EventIdTest, TheAppsMessageIdsStayAsTheyAre) {
  EXPECT_EQ(Id("app", "ajs-1"), "ajs-1");
  EXPECT_EQ(Id("import", "ajs-1"), "import:ajs-1");
  EXPECT_EQ(Id("app", ""), "");
  EXPECT_EQ(Id("import", ""), "");
}

TEST(EventIdTest, NoSenderCanMakeTheIdOfAnother) {
  std::set<std::string> ids;
  size_t made = 0;
  for (const char* source : {"app", "import", "a", "appimport"}) {
    for (const char* message : {"x", "import:x", "app:x", ":x", "a:x", "import:app:x", "app:import:x", ":", "app:"}) {
      ids.insert(Id(source, message));
      Event event;
      SetEventId(Id(source, message), &event);
      EXPECT_EQ(EventIdOf(event), Id(source, message));
      ++made;
    }
  }
  EXPECT_EQ(ids.size(), made);
}

TEST(EventIdTest, RowsOfTheFirstReleaseGetTheSameIds) {
  EXPECT_EQ(EventIdOfRow("app", "x"), "x");
  EXPECT_EQ(EventIdOfRow("import", "x"), "import:x");
  EXPECT_EQ(EventIdOfRow("import", "import:x"), "import:x");
  EXPECT_EQ(EventIdOfRow("app", "app:a:b"), "app:a:b");
  EXPECT_EQ(EventIdOfRow("app", "a:b"), "app:a:b");
}

}  // namespace
}  // namespace feedmill
