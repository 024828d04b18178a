#include "features/feature_set.h"
#include "features/legacy_actions_for_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill::features {
namespace {

using testing::HasSubstr;

constexpr std::string_view kText = R"([[feature]]
name = "post_click_rate"
kind = "rate"
key = "post"
numerator = "click"
denominator = "impression"
half_lives = ["1h", "7d"]
prior_rate = 0.1
prior_weight = 20

[[feature]]
name = "age"
kind = "age_hours"

[[feature]]
name = "user_clicks"
kind = "log_count"
key = "user"
action = "click"
half_life = "1d"
)";

TEST(FeatureSet, OneTableMayMakeAFeaturePerHalfLife) {
  const FeatureSet set = ParseFeatureSet("a.toml", kText, domain::LegacyDomain()).value();
  ASSERT_EQ(set.features.size(), 4U);
  EXPECT_EQ(set.features[0].name, "post_click_rate_1h");
  EXPECT_EQ(set.features[1].name, "post_click_rate_7d");
  EXPECT_EQ(set.features[3].name, "user_clicks");
  ASSERT_EQ(set.counters.size(), 5U);
  EXPECT_EQ(CounterName(set, set.counters[0]), "user_click_1d");
  EXPECT_EQ(CounterName(set, set.counters[set.features[1].numerator]), "post_click_7d");
  EXPECT_EQ(CounterName(set, set.counters[set.features[1].denominator]), "post_impression_7d");
  EXPECT_EQ(FindCounter(set, CounterKey::kPost, legacy::kClick, kMicrosPerHour), set.features[0].numerator);
  EXPECT_EQ(FindCounter(set, CounterKey::kPost, legacy::kLike, kMicrosPerHour), -1);
}

TEST(FeatureSet, TheSpelledOutTextIsTheSameSet) {
  const FeatureSet set = ParseFeatureSet("a.toml", kText, domain::LegacyDomain()).value();
  const FeatureSet again = ParseFeatureSet("b.toml", FormatFeatureSet(set), domain::LegacyDomain()).value();
  EXPECT_EQ(again.hash, set.hash);
  EXPECT_EQ(again.counters, set.counters);
  EXPECT_EQ(FormatFeatureSet(again), FormatFeatureSet(set));
  std::string other(kText);
  other.replace(other.find("= 20"), 4, "= 21");
  EXPECT_NE(ParseFeatureSet("a.toml", other, domain::LegacyDomain()).value().hash, set.hash);
}

TEST(FeatureSet, TheTemplatesFeaturesLoad) {
  auto set = LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template");
  ASSERT_TRUE(set.has_value()) << set.error().ToString();
  EXPECT_GE(set->features.size(), 50U);
  EXPECT_LE(set->features.size(), 80U);
  EXPECT_EQ(ParseFeatureSet("copy", FormatFeatureSet(*set), domain::LegacyDomain()).value().hash, set->hash);
}

struct Mistake {
  std::string from;
  std::string to;
  std::string message;
};

class FeatureSetMistake : public testing::TestWithParam<Mistake> {};

TEST_P(FeatureSetMistake, IsNamedWithFileLineFieldFoundAndAllowed) {
  std::string text(kText);
  const size_t at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, GetParam().from.size(), GetParam().to);
  auto set = ParseFeatureSet("a.toml", text, domain::LegacyDomain());
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_THAT(set.error().message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, FeatureSetMistake,
    testing::Values(
        Mistake{"\"rate\"", "\"ratio\"",
                "a.toml:3: field 'kind': found text \"ratio\"; allowed: \"log_count\", \"rate\""},
        Mistake{"key = \"post\"\n", "", "a.toml:1: field 'key' is missing"},
        Mistake{"\"click\"", "\"klick\"",
                "field 'numerator': found text \"klick\"; allowed: \"impression\", \"click\""},
        Mistake{"\"1h\", ", "\"2h\", ",
                "field 'half_lives': found text \"2h\"; allowed: \"1h\", \"1d\", \"7d\", \"30d\""},
        Mistake{"[\"1h\", \"7d\"]", "[]", "field 'half_lives': found"},
        Mistake{"0.1", "\"0.1\"", "field 'prior_rate': found text \"0.1\"; allowed: a number from 0 to 1000"},
        Mistake{"prior_weight = 20", "prior_weight = 0", "field 'prior_weight': found integer 0"},
        Mistake{"\"age_hours\"", "\"age_hours\"\nkey = \"post\"", "field 'key' does not belong to kind \"age_hours\""},
        Mistake{"\"age_hours\"", "\"log_number\"\nnumber = \"price\"",
                "field 'number': found text \"price\"; allowed: \"text_length\""},
        Mistake{"\"age_hours\"", "\"category\"\nproperty = \"price\"",
                "field 'property': found text \"price\"; allowed: \"topic\""},
        Mistake{"\"age_hours\"", "\"category\"", "field 'property' is missing"},
        Mistake{"\"age\"", "\"Age\"", "field 'name': found text \"Age\""},
        Mistake{"\"user_clicks\"", "\"age\"", "two features are named \"age\""},
        Mistake{"[[feature]]", "[[features]]", "found 'features'; allowed: pair_memory_days and tables [[feature]]"},
        Mistake{"[[feature]]", "pair_memory_days = 0\n[[feature]]",
                "a.toml:1: field 'pair_memory_days': found integer 0; allowed: a whole number from 1 to 3650"},
        Mistake{"kind = \"rate\"", "kind = ", "a.toml:3"}));

// Bundles carry a set's text and models its hash: what a release wrote stays what it was.
TEST(FeatureSet, FormerKindsAreReadAndWrittenAsTheyWere) {
  constexpr std::string_view kFormer =
      "pair_memory_days = 90\n\n[[feature]]\nname = \"age\"\nkind = \"post_age_hours\"\n\n"
      "[[feature]]\nname = \"length\"\nkind = \"text_length\"\n\n";
  const FeatureSet set = ParseFeatureSet("a.toml", kFormer, domain::LegacyDomain()).value();
  EXPECT_EQ(FormatFeatureSet(set), kFormer);
  EXPECT_EQ(set.features[0].kind, FeatureKind::kAgeHours);
  EXPECT_EQ(set.features[1].kind, FeatureKind::kLogNumber);
  EXPECT_EQ(set.features[1].number, 0);
}

TEST(FeatureSet, KeysAndNumbersAreNamedByTheDomain) {
  constexpr std::string_view kShop =
      "[item.product]\nid = \"sku\"\nmade_by = \"listed\"\ncategory = \"shelf\"\nnumbers = [\"price\", \"weight\"]\n"
      "[item.user]\nid = \"userId\"\n[action.bought]\nevent = \"bought\"\n";
  const auto read = [](std::string_view domain, std::string_view key) {
    const std::string text = fmt::format(
        "[[feature]]\nname = \"b\"\nkind = \"log_count\"\nkey = \"{}\"\naction = \"bought\"\nhalf_life = \"1d\"\n"
        "[[feature]]\nname = \"w\"\nkind = \"log_number\"\nnumber = \"weight\"\n",
        key);
    return ParseFeatureSet("a.toml", text, domain::ParseDomain("d.toml", domain).value());
  };
  const FeatureSet set = read(kShop, "user_shelf").value();
  EXPECT_EQ(CounterName(set, set.counters[0]), "user_shelf_bought_1d");
  EXPECT_EQ(set.features[1].number, 1);
  EXPECT_EQ(read(kShop, "product").value().counters[0].key, CounterKey::kPost);
  EXPECT_THAT(read(kShop, "post").error().message(), HasSubstr("\"user\", \"product\", \"author\", \"user_author\""));
  std::string without(kShop);
  without.erase(without.find("category"), std::string_view("category = \"shelf\"\n").size());
  EXPECT_THAT(read(without, "user_shelf").error().message(), HasSubstr("\"user_author\""));
  EXPECT_NE(read(without, "user").value().hash, read(kShop, "user").value().hash);
}

TEST(FeatureSet, CategoriesAreOfTheItemsTexts) {
  const auto domain = domain::ParseDomain("d.toml",
                                          "[item.book]\nid = \"isbn\"\nmade_by = \"listed\"\ncategory = \"genre\"\n"
                                          "fields = { a = \"text\", b = \"number\", c = \"text\", d = \"text\", e = "
                                          "\"text\" }\n"
                                          "[item.user]\nid = \"userId\"\n[action.read]\nevent = \"read\"\n")
                          .value();
  const auto read = [&domain](std::initializer_list<std::string_view> properties) {
    std::string text;
    for (const std::string_view property : properties) {
      text +=
          fmt::format("[[feature]]\nname = \"f{}\"\nkind = \"category\"\nproperty = \"{}\"\n", text.size(), property);
    }
    return ParseFeatureSet("a.toml", text, domain);
  };
  const FeatureSet set = read({"c", "genre", "c"}).value();
  EXPECT_EQ(set.categories, (std::vector<CategoryProperty>{{"c", 2}, {"genre", -1}}));
  EXPECT_EQ(set.features[1].category, 1);
  EXPECT_EQ(set.features[2].category, 0);
  EXPECT_EQ(ParseFeatureSet("b.toml", FormatFeatureSet(set), domain).value().hash, set.hash);
  EXPECT_NE(read({"a", "genre", "a"}).value().hash, set.hash);
  EXPECT_THAT(read({"b"}).error().message(), HasSubstr("allowed: \"genre\", \"a\", \"c\", \"d\", \"e\""));
  EXPECT_THAT(read({"a", "c", "d", "e", "genre"}).error().message(), HasSubstr("allowed: features of 4 properties"));
  EXPECT_TRUE(read({"a", "c", "d", "genre"}).has_value());
}

// Models are trained on them and kept.
TEST(FeatureSet, BucketsStayAsTheyAre) {
  EXPECT_EQ(BucketOf(""), 0);
  EXPECT_EQ(BucketOf("music"), 2156);
  EXPECT_EQ(BucketOf("sport"), 1475);
}

TEST(FeatureSet, ThePairMemoryIsPartOfTheHash) {
  const auto with = [](const char* line) {
    return ParseFeatureSet("a.toml", std::string(line) + std::string(kText), domain::LegacyDomain());
  };
  ASSERT_EQ(with("pair_memory_days = 30\n").value().pair_memory_days, 30);
  EXPECT_EQ(with("").value().pair_memory_days, kPairMemoryDays);
  EXPECT_NE(with("pair_memory_days = 30\n").value().hash, with("").value().hash);
  EXPECT_EQ(ParseFeatureSet("copy", FormatFeatureSet(*with("pair_memory_days = 30\n")), domain::LegacyDomain())
                .value()
                .pair_memory_days,
            30);
}

TEST(FeatureSet, AnEmptyFolderIsRefused) {
  EXPECT_THAT(ParseFeatureSet("a.toml", "", domain::LegacyDomain()).error().message(),
              HasSubstr("no [[feature]] found"));
}

}  // namespace
}  // namespace feedmill::features
