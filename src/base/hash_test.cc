#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace feedmill {
namespace {

std::string RandomBytes(Random* random, size_t length) {
  std::string bytes(length, '\0');
  for (char& c : bytes) c = static_cast<char>(random->Next());
  return bytes;
}

TEST(HashTest, Hash64IsStable) {
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2ull);  // XXH3_64bits of nothing, from its specification
  EXPECT_NE(Hash64("a"), Hash64("b"));
  EXPECT_NE(Hash64("a", 1), Hash64("a", 2));
}

TEST(HashTest, Crc32cOfThePublishedVectors) {
  // RFC 3720 B.4.
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
}

TEST(HashTest, Crc32cEqualsItsTwinOnAnyLengthAndSplit) {
  Random random(1);
  for (size_t length = 0; length < 300; ++length) {
    std::string bytes = RandomBytes(&random, length);
    uint32_t whole = Crc32c(bytes);
    ASSERT_EQ(whole, Crc32cByTable(bytes)) << length;
    size_t cut = random.Below(length + 1);
    std::string_view view = bytes;
    ASSERT_EQ(whole, Crc32c(view.substr(cut), Crc32c(view.substr(0, cut)))) << length << " cut at " << cut;
  }
}

TEST(HashTest, Sha256OfThePublishedVectors) {
  // FIPS 180-2, appendix B.1, and the empty text.
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(HashTest, Sha256InPiecesEqualsTheWhole) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("");
  hash.Update("bc");
  EXPECT_EQ(hash.FinishHex(), Sha256Hex("abc"));
}

}  // namespace
}  // namespace feedmill
