#include "domain/domain.h"

#include <gtest/gtest.h>

#include "base/matchers.h"
#include "domain/event_meanings.h"
#include "domain/plan_check.h"
#include "domain/table_contract.h"

namespace feedmill::domain {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kShop = R"(
[item.customer]
id = "userId"
categories = "shelves"
[item.product]
id = "sku"
made_by = "product_added"
category = "shelf"
title = "name"
numbers = ["price", "weight"]
[action.shown]
event = "product_listed"
shown = true
[action.purchase]
events = ["bought", "bought_in_store"]
value = "price"
scale = 0.5
value_max = 1000
taste = 5
said = "bought"
[action.gift]
event = "bought"
when = "gift_for"
hides = ["item"]
[action.invite]
event = "friend_added"
item = "customer"
id = "friend"
[relation.friends]
id = "friend"
add = "friend_added"
)";

Domain Shop() { return *ParseDomain("shop.toml", kShop).value(); }

std::string Refusal(std::string_view text) {
  const auto domain = ParseDomain("d.toml", text);
  return domain ? "taken" : domain.error().message();
}

constexpr std::string_view kItems = "[item.post]\nid = \"post_id\"\n[item.user]\nid = \"userId\"\n";

std::string RefusalBehindItems(std::string_view text) { return Refusal(std::string(kItems) + std::string(text)); }

TEST(DomainTest, ReadsAnAppOfAnotherKind) {
  const Domain shop = Shop();
  ASSERT_EQ(shop.items.size(), 2U);
  EXPECT_EQ(shop.Shown().name, "product");
  EXPECT_EQ(shop.Shown().category, "shelf");
  EXPECT_THAT(shop.Shown().numbers, ElementsAre("price", "weight"));
  EXPECT_EQ(shop.Users().category, "shelves");
  ASSERT_EQ(shop.actions.size(), 4U);
  const Action& purchase = *shop.FindAction("purchase");
  EXPECT_THAT(purchase.events, ElementsAre("bought", "bought_in_store"));
  EXPECT_EQ(purchase.id, "sku");
  EXPECT_EQ(purchase.taste, 5);
  EXPECT_TRUE(purchase.IsOutcome());
  EXPECT_FALSE(shop.actions[0].IsOutcome());
  EXPECT_TRUE(shop.FindAction("gift")->hides_item);
  EXPECT_FALSE(shop.FindAction("gift")->hides_author);
  EXPECT_TRUE(shop.IsOfUsers(*shop.FindAction("invite")));
  EXPECT_EQ(shop.FindAction("invite")->id, "friend");
  EXPECT_EQ(shop.FindAction("nope"), nullptr);
}

TEST(DomainTest, OneEventMayBeSeveralActionsAndSeveralOne) {
  const EventMeanings meanings(Shop());
  EXPECT_THAT(meanings.Find("bought")->actions, ElementsAre(1, 2));
  EXPECT_THAT(meanings.Find("bought_in_store")->actions, ElementsAre(1));
  EXPECT_TRUE(meanings.Find("product_added")->makes);
  EXPECT_THAT(meanings.Find("friend_added")->adds, testing::SizeIs(1));
  EXPECT_THAT(meanings.Find("friend_added")->actions, ElementsAre(3));
  EXPECT_EQ(meanings.Find("price_changed"), nullptr);
}

TEST(DomainTest, AnActionCountsOneOrItsValueWithinLimits) {
  const Action& seconds = *LegacyDomain()->FindAction("dwell_seconds");
  EXPECT_EQ(seconds.Weight(1500), 1.5F);
  EXPECT_EQ(seconds.Weight(99'000'000), 600.0F);
  EXPECT_EQ(seconds.Weight(-5), 0.0F);
  EXPECT_EQ(LegacyDomain()->FindAction("like")->Weight(99), 1.0F);
}

TEST(DomainTest, RefusesWhatItDoesNotKnowWithItsPlace) {
  EXPECT_THAT(Refusal(""), HasSubstr("found 0 [item.NAME]"));
  EXPECT_THAT(Refusal("[item.post]\nid = \"post_id\"\n[item.song]\nid = \"song_id\"\n"),
              HasSubstr("found 2 [item.NAME]; allowed: one that a scene shows"));
  EXPECT_THAT(Refusal("[item.post]\n"), HasSubstr("item.post.id is missing"));
  EXPECT_THAT(Refusal("[item.user]\nid = \"userId\"\nmade_by = \"x\"\n"), HasSubstr("from their first event"));
  EXPECT_THAT(Refusal("[item.post]\nid = \"post_id\"\nnumbers = [\"a\"]\n"), HasSubstr("while there is no made_by"));
  EXPECT_THAT(Refusal("[item.post]\nid = \"p\"\nmade_by = \"m\"\nnumbers = [\"a\",\"b\",\"c\",\"d\",\"e\"]\n"),
              HasSubstr("a list of at most 4 properties"));
  EXPECT_THAT(Refusal("[item.post]\nid = \"p\"\nmade_by = \"m\"\nremoved_by = \"m\"\n"),
              HasSubstr("another event than made_by"));
  EXPECT_THAT(Refusal("[item.user]\nid = \"userId\"\ntitle = \"name\"\n"), HasSubstr("unknown key \"title\""));
  EXPECT_THAT(RefusalBehindItems("colour = \"red\"\n"),
              AllOf(HasSubstr("d.toml:5"), HasSubstr("unknown key \"colour\"")));
  EXPECT_THAT(RefusalBehindItems("[action.Like]\nevent = \"like\"\n"), HasSubstr("found [action.Like]"));
  EXPECT_THAT(RefusalBehindItems("[action.like]\n"), HasSubstr("action.like.event is missing"));
  EXPECT_THAT(RefusalBehindItems("[action.like]\nevent = \"\"\n"), HasSubstr("a text of 1 to 128 bytes"));
  EXPECT_THAT(RefusalBehindItems("[action.like]\nevent = \"a\"\nevents = [\"b\"]\n"),
              HasSubstr("one of event and events"));
  EXPECT_THAT(RefusalBehindItems("[action.like]\nevent = \"a\"\nitem = \"song\"\n"),
              AllOf(HasSubstr("d.toml:7"), HasSubstr("\"song\""), HasSubstr("[item.NAME]")));
  EXPECT_THAT(RefusalBehindItems("[action.like]\nevent = \"a\"\nvalue = \"v\"\n"), HasSubstr("value_max is missing"));
  EXPECT_THAT(RefusalBehindItems("[action.like]\nevent = \"a\"\nscale = 2.0\n"),
              HasSubstr("nothing, while there is no value"));
  EXPECT_THAT(RefusalBehindItems("[action.a]\nevent = \"a\"\nshown = true\n[action.b]\nevent = \"b\"\nshown = true\n"),
              HasSubstr("true for one action alone"));
  EXPECT_THAT(RefusalBehindItems("[action.like]\nevent = \"a\"\nhides = [\"all\"]\n"),
              HasSubstr("\"item\" and \"author\""));
  EXPECT_THAT(RefusalBehindItems("[relation.follows]\nadd = \"follow\"\n"),
              HasSubstr("relation.follows.id is missing"));
  EXPECT_THAT(RefusalBehindItems("[relation.follows]\nid = \"i\"\nadd = \"f\"\nremove = \"f\"\n"),
              HasSubstr("another event than add"));
  EXPECT_THAT(RefusalBehindItems("[relation.blocks]\nid = \"i\"\nadd = \"b\"\nhides = \"all\"\n"),
              HasSubstr("\"far\", \"both\""));
  EXPECT_THAT(RefusalBehindItems("[relation.a]\nid = \"i\"\nadd = \"a\"\n[relation.b]\nid = \"i\"\nadd = \"b\"\n"),
              HasSubstr("one relation without it, which is \"a\""));
  EXPECT_THAT(RefusalBehindItems("[actions.like]\nevent = \"a\"\n"), HasSubstr("unknown key \"actions\""));
}

TEST(DomainTest, FieldsHaveTypesAndNamesOfTheirOwn) {
  const auto refusal = [](std::string_view entries) {
    return Refusal(
        fmt::format("[item.flat]\nid = \"flat\"\nmade_by = \"m\"\ncategory = \"town\"\nnumbers = [\"rent\"]\n{}\n"
                    "[item.user]\nid = \"userId\"\n[action.seen]\nevent = \"seen\"\n",
                    entries));
  };
  EXPECT_EQ(refusal("fields = { lang = \"text\", tags = \"texts\", rooms = \"number\", pets = \"boolean\" }"), "taken");
  EXPECT_THAT(refusal("fields = { lang = \"string\" }"),
              HasSubstr("found text \"string\"; allowed: \"text\", \"texts\""));
  EXPECT_THAT(refusal("fields = { rent = \"number\" }"),
              HasSubstr("other properties than \"rent\", which rules know already"));
  EXPECT_THAT(refusal("fields = { town = \"text\" }"), HasSubstr("other properties than \"town\""));
  EXPECT_THAT(refusal("fields = { Lang = \"text\" }"), HasSubstr("a name of small letters"));
  EXPECT_THAT(refusal("fields = [\"lang\"]"), HasSubstr("allowed: a table"));
  std::string many = "fields = { f0 = \"text\"";
  for (int i = 1; i < 9; ++i) many += fmt::format(", f{} = \"text\"", i);
  EXPECT_THAT(refusal(many + " }"), HasSubstr("at most 8 fields"));
  EXPECT_THAT(RefusalBehindItems("[context]\nfields = { device = \"words\" }\n"), HasSubstr("context.fields.device"));
}

TEST(DomainTest, HoldsAtMostAsManyActionsAsHandlesCanName) {
  std::string text(kItems);
  for (size_t i = 0; i < kActionsMax; ++i) text += fmt::format("[action.a{}]\nevent = \"e{}\"\n", i, i);
  EXPECT_THAT(ParseDomain("d.toml", text), IsOk());
  text += "[action.more]\nevent = \"more\"\n";
  EXPECT_THAT(Refusal(text), HasSubstr("found 65 [action.NAME]; allowed: 64"));
}

// Checkpoints of former releases name actions by these places.
TEST(DomainTest, TheLegacyDomainKeepsItsPlaces) {
  std::vector<std::string> names;
  for (const Action& action : LegacyDomain()->actions) names.push_back(action.name);
  EXPECT_THAT(
      names, ElementsAre("impression", "click", "like", "comment", "share", "follow", "hide", "dwell_seconds", "view"));
}

TEST(DomainTest, TheTemplateSaysWhatWasFixedBefore) {
  const auto domain = LoadDomain(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/domain.toml");
  ASSERT_THAT(domain, IsOk());
  ASSERT_GE((*domain)->actions.size(), LegacyDomain()->actions.size());
  for (size_t i = 0; i < LegacyDomain()->actions.size(); ++i) {
    EXPECT_EQ(MeaningOf(**domain, (*domain)->actions[i]), MeaningOf(*LegacyDomain(), LegacyDomain()->actions[i]));
  }
}

PlanView ShopPlan() {
  PlanView plan;
  plan.has_event = [](std::string_view event) { return event != "bought_in_store"; };
  plan.type_of = [](std::string_view, std::string_view property) -> std::optional<PropertyType> {
    if (property == "gift_for") return std::nullopt;
    if (property == "friend") return PropertyType::kInteger;
    if (property == "price") return PropertyType::kNumber;
    if (property == "shelves") return PropertyType::kTexts;
    return PropertyType::kText;
  };
  return plan;
}

TEST(PlanCheckTest, NamesEveryEventAndPropertyThatIsNotThere) {
  const Status checked = CheckAgainstPlan(Shop(), "shop.toml", ShopPlan());
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message(),
              AllOf(HasSubstr("shop.toml: [action.purchase] event: found \"bought_in_store\"; allowed: an event"),
                    HasSubstr("[action.gift] when: found \"gift_for\""),
                    HasSubstr("[relation.friends] id: found \"friend\"; allowed: a property of "
                              "events/friend_added.json that is a text; there it is a number"),
                    HasSubstr("[item.product] numbers: found \"weight\"; allowed: a property of "
                              "events/product_added.json that is a number; there it is a text"),
                    Not(HasSubstr("price")), Not(HasSubstr("sku"))));
}

std::string Said(const ReadColumn& read) {
  std::string types;
  for (const ColumnType type : read.types)
    types += fmt::format("{}{}", types.empty() ? "" : ", ", ColumnTypeSqlName(type));
  return fmt::format("| `{}` | `{}` | {} | {} |\n", read.table, read.column, types.empty() ? "any" : types,
                     read.reason.empty() ? "" : fmt::format("`{}`", read.reason));
}

TEST(TableContractTest, TheReferenceListsTheTemplatesColumns) {
  const auto domain = LoadDomain(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/domain.toml");
  ASSERT_THAT(domain, IsOk());
  std::string table;
  for (const ReadColumn& read : ColumnsRead(**domain)) table += Said(read);
  const auto page = io::ReadWholeFile(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/docs/reference/domain.md");
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(*page, HasSubstr(table)) << "the table is now:\n" << table;
}

TEST(TableContractTest, NamesFollowFromTheDomain) {
  std::vector<std::string> said;
  for (const ReadColumn& read : ColumnsRead(Shop())) {
    if (!read.reason.empty()) said.push_back(fmt::format("{}.{} {}", read.table, read.column, read.reason));
  }
  EXPECT_THAT(said, testing::IsSupersetOf(
                        {"dim_product.sku item.product.id", "dwd_user_action.gift_for action.gift.when",
                         "dwd_product.weight item.product.numbers", "dwd_user_relation.valid_to relation.friends"}));
}

TEST(TableContractTest, WhatADomainDoesNotHaveIsNotRead) {
  const auto domain = ParseDomain(
      "d.toml", "[item.song]\nid = \"song\"\n[item.user]\nid = \"userId\"\n[action.play]\nevent = \"play\"\n");
  ASSERT_THAT(domain, IsOk());
  const auto columns = ColumnsRead(**domain);
  EXPECT_TRUE(std::ranges::none_of(
      columns, [](const ReadColumn& read) { return read.table == "dwd_song" || read.table == "dwd_user_relation"; }));
}

}  // namespace
}  // namespace feedmill::domain
