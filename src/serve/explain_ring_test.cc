#include "serve/explain_ring.h"

#include <gtest/gtest.h>

namespace feedmill::serve {
namespace {

TEST(ExplainRingTest, TheOldestLeaveByCount) {
  ExplainRing ring(2, 1000);
  ring.Put("a", "1");
  ring.Put("b", "2");
  ring.Put("c", "3");
  EXPECT_EQ(ring.Get("a"), nullptr);
  ASSERT_NE(ring.Get("b"), nullptr);
  EXPECT_EQ(*ring.Get("c"), "3");
}

TEST(ExplainRingTest, TheOldestLeaveByBytes) {
  ExplainRing ring(100, 10);
  ring.Put("a", "12345");
  ring.Put("b", "12345");
  EXPECT_NE(ring.Get("a"), nullptr);
  ring.Put("b", "1234567");
  EXPECT_EQ(ring.Get("a"), nullptr);
  EXPECT_EQ(*ring.Get("b"), "1234567");
  ring.Put("c", std::string(50, 'x'));
  EXPECT_EQ(ring.Get("b"), nullptr);
  EXPECT_EQ(ring.Get("c"), nullptr);
}

}  // namespace
}  // namespace feedmill::serve
