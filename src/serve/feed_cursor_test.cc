#include "serve/feed_cursor.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace feedmill::serve {
namespace {

TEST(FeedCursorTest, HoldsWhatWasAddedAndNothingElse) {
  FeedCursor cursor;
  EXPECT_FALSE(cursor.Has("p0"));
  for (size_t i = 0; i < kCursorItemsMax; ++i) ASSERT_TRUE(cursor.Add(fmt::format("p{}", i)));
  EXPECT_TRUE(cursor.Add("p7")) << "is there already";
  EXPECT_FALSE(cursor.Add("one too many"));
  const std::string text = cursor.Text();
  EXPECT_LE(text.size(), kCursorBytesMax);
  EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
  const auto read = FeedCursor::Parse(text);
  ASSERT_TRUE(read.has_value());
  int wrong = 0;
  for (size_t i = 0; i < kCursorItemsMax; ++i) wrong += !read->Has(fmt::format("p{}", i));
  for (size_t i = kCursorItemsMax; i < 2 * kCursorItemsMax; ++i) wrong += read->Has(fmt::format("p{}", i));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(read->Text(), text);
}

TEST(FeedCursorTest, WhatIsNotOursIsRefused) {
  FeedCursor cursor;
  ASSERT_TRUE(cursor.Add("p1"));
  ASSERT_TRUE(cursor.Add("p2"));
  const std::string text = cursor.Text();
  for (const std::string& broken : {std::string(), std::string("x"), text + "A", text.substr(0, text.size() - 1),
                                    "B" + text.substr(1), std::string(7000, 'A'), std::string("Af____8AAAAA")})
    EXPECT_FALSE(FeedCursor::Parse(broken).has_value()) << broken;
  EXPECT_TRUE(FeedCursor::Parse(FeedCursor().Text()).has_value());
}

}  // namespace
}  // namespace feedmill::serve
