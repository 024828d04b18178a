#include "app/health.h"

#include <gtest/gtest.h>

namespace feedmill::app {
namespace {

TEST(HealthTest, NamesWhatFailsAndWhatToLookAt) {
  Health health;
  Status log = Ok();
  std::vector<std::string> notes;
  health.AddCheck("event log", [&] { return log; });
  health.AddCheck("live state", [] { return Ok(); });
  health.AddNotes([&] { return notes; });
  EXPECT_TRUE(health.Look().ready);
  EXPECT_EQ(health.Look().text, "ready\n");
  notes = {"a segment was set aside"};
  EXPECT_EQ(health.Look().text, "ready\nnote: a segment was set aside\n");
  log = Io("no space left on device");
  EXPECT_FALSE(health.Look().ready);
  EXPECT_EQ(health.Look().text, "not ready\nevent log: no space left on device\nnote: a segment was set aside\n");
}

}  // namespace
}  // namespace feedmill::app
