#include "io/gzip.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "base/random.h"

namespace feedmill::io {
namespace {

using ::testing::HasSubstr;

TEST(GzipTest, ComesBack) {
  Random random(1);
  for (size_t length : {0u, 1u, 100u, 16384u, 16385u, 1'000'000u}) {
    std::string bytes(length, '\0');
    for (char& c : bytes) c = static_cast<char>(random.Below(16));
    EXPECT_TRUE(Gunzip(Gzip(bytes), length) == bytes) << length;
  }
}

TEST(GzipTest, TheLimitIsExact) {
  std::string packed = Gzip(std::string(50'000, 'x'));
  EXPECT_THAT(Gunzip(packed, 50'000), IsOk());
  EXPECT_THAT(Gunzip(packed, 49'999), IsError(ErrorKind::kResourceExhausted, HasSubstr("more than 49999")));
  EXPECT_THAT(Gunzip(packed, 0), IsError(ErrorKind::kResourceExhausted));
}

TEST(GzipTest, EveryCutIsRefused) {
  std::string packed = Gzip("some text, some text, some text");
  for (size_t length = 0; length < packed.size(); ++length) {
    EXPECT_THAT(Gunzip(packed.substr(0, length), 1000), IsError(ErrorKind::kInvalidArgument)) << length;
  }
  EXPECT_THAT(Gunzip(packed + "x", 1000), IsError(ErrorKind::kInvalidArgument, HasSubstr("1 bytes after")));
  EXPECT_THAT(Gunzip("plain text", 1000), IsError(ErrorKind::kInvalidArgument));
}

TEST(GzipTest, AChangedByteNeverGivesAnotherText) {
  std::string text = "some text, some text, some text";
  std::string packed = Gzip(text);
  size_t refused = 0;
  for (size_t i = 10; i < packed.size(); ++i) {
    std::string changed = packed;
    changed[i] = static_cast<char>(changed[i] ^ 0x20);
    auto unpacked = Gunzip(changed, 1000);
    refused += !unpacked;
    // A bit that only fills the last byte of the stream means nothing.
    EXPECT_EQ(unpacked.value_or(text), text) << i;
  }
  EXPECT_GE(refused, packed.size() - 12);
}

}  // namespace
}  // namespace feedmill::io
