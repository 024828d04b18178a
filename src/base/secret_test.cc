#include "base/secret.h"

#include <algorithm>
#include <cctype>
#include <set>

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(SecretTest, IsLongLettersAndDigitsAndNeverTwiceTheSame) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    std::string secret = NewSecret();
    ASSERT_EQ(secret.size(), 32u);
    ASSERT_TRUE(std::ranges::all_of(secret, [](unsigned char c) { return std::isalnum(c); })) << secret;
    seen.insert(secret);
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(SecretTest, ComparesWholeTexts) {
  EXPECT_TRUE(SecretsEqual("abc", "abc"));
  EXPECT_FALSE(SecretsEqual("abc", "abd"));
  EXPECT_FALSE(SecretsEqual("abc", "ab"));
  EXPECT_TRUE(SecretsEqual("", ""));
}

}  // namespace
}  // namespace feedmill
