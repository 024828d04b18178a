#include "base/event_days.h"

#include <gtest/gtest.h>

namespace feedmill {
namespace {

Micros At(const char* text) { return *ParseTime(text); }
Day On(const char* text) { return *ParseDay(text); }

TEST(EventDays, TheEndIsTheCutWhileEventsKeepComing) {
  DayRows rows;
  for (Day day = On("2026-01-01"); day < On("2026-02-01"); ++day) rows[day] = 1000;
  EXPECT_EQ(BulkEnd(rows, At("2026-02-01T00:00:00Z")), At("2026-02-01T00:00:00Z"));
  EXPECT_EQ(BulkEnd(rows, At("2026-01-31T15:00:00Z")), At("2026-01-31T15:00:00Z"));
  EXPECT_EQ(BulkStart(rows, At("2026-02-01T00:00:00Z"), 14), At("2026-01-18T00:00:00Z"));
  EXPECT_EQ(BulkEnd({}, At("2026-02-01T00:00:00Z")), At("2026-02-01T00:00:00Z"));
}

TEST(EventDays, AFewStrayEventsDoNotMoveIt) {
  DayRows rows;
  for (Day day = On("2025-01-01"); day < On("2025-02-01"); ++day) rows[day] = 1000;
  rows[On("2026-01-30")] = 3;
  rows[On("2026-03-01")] = 100'000;  // after the cut
  EXPECT_EQ(BulkEnd(rows, At("2026-02-01T00:00:00Z")), At("2025-02-01T00:00:00Z"));
}

TEST(EventDays, DaysWithoutEventsDoNotCount) {
  DayRows rows;
  for (Day day = On("2025-01-01"); day < On("2025-12-01"); day += 7) rows[day] = 5;
  const Micros end = BulkEnd(rows, At("2026-02-01T00:00:00Z"));
  EXPECT_EQ(end, At("2025-11-27T00:00:00Z"));
  EXPECT_EQ(BulkStart(rows, end, 3), At("2025-11-12T00:00:00Z"));
  EXPECT_LE(BulkStart(rows, end, 1000), At("2025-01-01T00:00:00Z"));
}

}  // namespace
}  // namespace feedmill
