#include "base/text_encoding.h"

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(TextEncodingTest, Base64OfThePublishedVectors) {
  // RFC 4648, section 10.
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(Base64Decode(text), bytes);
  }
}

TEST(TextEncodingTest, Base64TakesUrlLettersAndNoPadding) {
  EXPECT_EQ(Base64Decode("-_8"), std::string("\xfb\xff"));
  EXPECT_EQ(Base64Decode("Zg"), "f");
}

TEST(TextEncodingTest, Base64RefusesOtherLettersAndLengths) {
  EXPECT_FALSE(Base64Decode("Zm9v!"));
  EXPECT_FALSE(Base64Decode("Z"));
  EXPECT_FALSE(Base64Decode("Z==="));
}

TEST(TextEncodingTest, PercentDecodes) {
  EXPECT_EQ(PercentDecode("a%20b%2Fc"), "a b/c");
  EXPECT_EQ(PercentDecode("100%"), "100%");
  EXPECT_EQ(PercentDecode("%4"), "%4");
  EXPECT_EQ(PercentDecode("%zz%41"), "%zzA");
  EXPECT_EQ(PercentDecode("a+b"), "a+b");
  EXPECT_EQ(PercentDecode("a+b", true), "a b");
}

TEST(TextEncodingTest, PercentEncodeComesBack) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte.push_back(static_cast<char>(i));
  std::string text = PercentEncode(every_byte);
  EXPECT_EQ(text.find_first_of(" /?&=+"), std::string::npos);
  EXPECT_EQ(PercentDecode(text), every_byte);
}

TEST(TextEncodingTest, JsonStringEscapesWhatItMust) {
  std::string out;
  AppendJsonString("a\"b\\c\n\x01z", &out);
  EXPECT_EQ(out, R"("a\"b\\c\n\u0001z")");
}

TEST(TextEncodingTest, JsonStringIsAlwaysUtf8) {
  auto json = [](std::string_view text) {
    std::string out;
    AppendJsonString(text, &out);
    return out;
  };
  EXPECT_EQ(json("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"");
  EXPECT_EQ(json("\xff"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(json("\xc3"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(json("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"") << "overlong";
  EXPECT_EQ(json("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"") << "half of a surrogate pair";
}

TEST(TextEncodingTest, HexIsLowerCase) { EXPECT_EQ(HexEncode(std::string("\x00\xaf", 2)), "00af"); }

}  // namespace
}  // namespace feedmill
