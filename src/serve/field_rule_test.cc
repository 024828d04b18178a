#include "serve/field_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_text.h"
#include "serve/feed_context.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Micros kNow = 1'780'000'000 * kMicrosPerSecond;
constexpr std::string_view kDomain = R"(
[item.flat]
id = "flat"
made_by = "offered"
category = "town"
numbers = ["rent"]
fields = { furnished = "boolean", lang = "text", pets = "texts", rooms = "number", until = "time" }
[item.person]
id = "userId"
categories = "towns"
fields = { langs = "texts", lang = "text", smoker = "boolean", budget = "number" }
[context]
fields = { device = "text", budget = "number", tags = "texts", night = "boolean", moves = "time" }
[action.seen]
event = "seen"
shown = true
)";
constexpr std::string_view kFeature = "[[feature]]\nname = \"age\"\nkind = \"age_hours\"\n";

class FieldRuleTest : public testing::Test {
 protected:
  FieldRuleTest() {
    query_.user_id = "ann";
    scene_.filter.age_max = 400 * kMicrosPerDay;
    Offer("bare", "{}");
    Offer("full", R"({"town":"Bonn","rent":900,"furnished":true,"lang":"de","pets":["cat","dog"],"rooms":3})");
    Offer("other", R"({"town":"Rome","rent":500,"furnished":false,"lang":"it","pets":[],"rooms":0})");
  }

  void Send(std::string type, std::string name, std::string user, std::string properties, Micros time) {
    LogRecord record;
    record.event.type = std::move(type);
    record.event.name = std::move(name);
    record.event.user_id = std::move(user);
    record.event.message_id = fmt::format("m{}", next_);
    record.event.event_time = record.event.received_time = time;
    record.event.properties = std::move(properties);
    state_->Apply(record, {0, next_++});
  }
  void Offer(const std::string& flat, std::string properties) {
    properties.insert(1, fmt::format("\"flat\":\"{}\"{}", flat, properties == "{}" ? "" : ","));
    Send("track", "offered", "landlord", properties, kNow - kMicrosPerHour + static_cast<Micros>(next_));
  }
  void Identify(std::string traits, Micros time = kNow) { Send("identify", "", "ann", std::move(traits), time); }

  // The flats that the rule lets through.
  std::vector<std::string> Kept(std::string_view text) {
    scene_.filter.rules = {ParseFieldRule(text, *domain_).value()};
    context_.Reset();
    context_.query = &query_;
    context_.scene = &scene_;
    context_.state = state_.get();
    context_.now = context_.ages_from = kNow;
    HydrateQuery(&context_);
    int rank = 0;
    for (const char* flat : {"bare", "full", "other"})
      context_.candidates.Add(Source::kFresh, rank++, state_->FindPost(flat));
    HydrateCandidates(&context_);
    FilterCandidates(&context_);
    std::vector<std::string> kept;
    for (const Candidate& candidate : context_.candidates.items())
      kept.emplace_back(state_->PostId(candidate.input.post));
    EXPECT_EQ(context_.filtered[static_cast<size_t>(FilterRule::kRule)], 3 - std::ssize(kept));
    return kept;
  }

  std::string Refusal(std::string_view text) {
    const auto rule = ParseFieldRule(text, *domain_);
    return rule ? "taken" : rule.error().message();
  }

  domain::DomainPtr domain_ = domain::ParseDomain("d.toml", kDomain).value();
  features::FeatureSet set_ = features::ParseFeatureSet("f.toml", kFeature, domain_).value();
  std::unique_ptr<stream::LiveState> state_ = std::make_unique<stream::LiveState>(set_, stream::LiveStateOptions{});
  uint64_t next_ = 0;
  FeedQuery query_;
  Scene scene_;
  FeedContext context_;
};

TEST_F(FieldRuleTest, ComparesFieldsOfItemsWithValues) {
  EXPECT_THAT(Kept("item.rooms >= 3"), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("item.rooms < 1"), ElementsAre("bare", "other")) << "0 is given";
  EXPECT_THAT(Kept("item.rooms == 0 and has(item.rooms)"), ElementsAre("other"));
  EXPECT_THAT(Kept("item.rent <= 500"), ElementsAre("bare", "other"))
      << "a number of features is 0 where it is not given";
  EXPECT_THAT(Kept("item.lang == \"de\""), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("item.lang != 'de'"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("item.lang == \"a language that nothing has\""), ElementsAre("bare"));
  EXPECT_THAT(Kept("item.lang != \"a language that nothing has\""), ElementsAre("bare", "full", "other"));
  EXPECT_THAT(Kept("item.town in [\"Bonn\", \"Oslo\"]"), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("\"cat\" in item.pets"), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("item.pets overlaps [\"cow\", \"dog\"]"), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("has(item.pets) and not \"cat\" in item.pets"), ElementsAre("other")) << "an empty list is given";
}

TEST_F(FieldRuleTest, TimesAreComparedToTheSecond) {
  const auto offer = [&](Micros until) {
    Offer("full", fmt::format(R"({{"until":"{}"}})", FormatTime(until)));
    Offer("other", R"({"until":"no time"})");
  };
  offer(kNow + kMicrosPerSecond);
  EXPECT_THAT(Kept("item.until > now"), ElementsAre("bare", "full", "other"));
  EXPECT_THAT(Kept("has(item.until)"), ElementsAre("full")) << "a text that is no time is not given";
  EXPECT_THAT(Kept("item.until <= now"), ElementsAre("bare", "other"));
  offer(kNow);
  EXPECT_THAT(Kept("item.until > now"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("item.until == now"), ElementsAre("bare", "full", "other"));
  query_.context[4].number = static_cast<double>(kNow / kMicrosPerSecond + 1);
  EXPECT_THAT(Kept("item.until >= context.moves"), ElementsAre("bare", "other"));
  offer(-kMicrosPerDay);
  EXPECT_THAT(Kept("has(item.until) and item.until < now"), ElementsAre("full")) << "long ago is given";
  EXPECT_THAT(Refusal("item.until > 5"), HasSubstr("found time > number; allowed: two numbers or two times"));
  EXPECT_THAT(Refusal("has(now)"), HasSubstr("allowed: a field"));
  EXPECT_THAT(Refusal("now"), HasSubstr("behind a time"));
}

TEST_F(FieldRuleTest, WhatIsNotGivenKeepsAnItemUnlessTheRestDecides) {
  EXPECT_THAT(Kept("item.furnished"), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("not item.furnished"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("not item.furnished or user.smoker"), ElementsAre("bare", "full", "other")) << "nobody told";
  EXPECT_THAT(Kept("not item.furnished or (has(user.smoker) and user.smoker)"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("item.furnished and user.smoker"), ElementsAre("bare", "full")) << "false and unknown is false";
  EXPECT_THAT(Kept("has(item.furnished)"), ElementsAre("full", "other"));
  EXPECT_THAT(Kept("false"), IsEmpty());
  EXPECT_THAT(Kept("true or item.furnished"), ElementsAre("bare", "full", "other"));
}

TEST_F(FieldRuleTest, GoesByWhatTheUserToldLast) {
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare", "full", "other"));
  Identify(R"({"langs":["it","fr","it"],"smoker":true,"budget":600,"lang":"it","towns":["Rome"]})");
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("item.lang == user.lang"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("item.rent <= user.budget"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("not user.smoker"), IsEmpty());
  EXPECT_THAT(Kept("item.town in user.towns"), ElementsAre("bare", "other"));
  Identify(R"({"langs":["de"]})", kNow - 1);
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare", "other")) << "told earlier, heard later";
  Identify(R"({"langs":["de"]})", kNow + 1);
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("not user.smoker"), IsEmpty()) << "what an identify leaves out stays";
  Identify(R"({"langs":null,"smoker":null})", kNow + 2);
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare", "full", "other")) << "taken back";
  Identify(R"({"langs":[]})", kNow + 3);
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare")) << "reads none";
}

TEST_F(FieldRuleTest, GoesByTheNewestVersionOfAnItem) {
  Offer("full", R"({"town":"Oslo","lang":"no"})");
  EXPECT_THAT(Kept("item.lang == \"no\""), ElementsAre("bare", "full"));
  EXPECT_THAT(Kept("has(item.furnished)"), ElementsAre("other")) << "a version says all";
}

TEST_F(FieldRuleTest, GoesByWhatARequestSays) {
  EXPECT_THAT(Kept("not (context.night and item.furnished)"), ElementsAre("bare", "full", "other"));
  query_.context[3].number = 1;
  EXPECT_THAT(Kept("not (context.night and item.furnished)"), ElementsAre("bare", "other"));
  query_.context[1].number = 700;
  EXPECT_THAT(Kept("item.rent <= context.budget"), ElementsAre("bare", "other"));
  query_.context[2].texts = {"cow", "dog"};
  EXPECT_THAT(Kept("item.pets overlaps context.tags"), ElementsAre("bare", "full"));
}

TEST_F(FieldRuleTest, GoesByWhatIsSupposed) {
  LogRecord told;
  told.event.type = "identify";
  told.event.properties = R"({"langs":["it"],"smoker":false,"lang":"it"})";
  query_.suppose = {told};
  EXPECT_THAT(Kept("item.lang in user.langs"), ElementsAre("bare", "other"));
  EXPECT_THAT(Kept("user.smoker"), IsEmpty());
  EXPECT_THAT(Kept("item.lang == user.lang"), ElementsAre("bare", "other"));
}

TEST_F(FieldRuleTest, AShortPageIsFilledFromAsFarBackAsItemsAreKept) {
  for (int i = 0; i < 30; ++i) Offer(fmt::format("rare{}", i), R"({"lang":"oc"})");
  for (int i = 0; i < 3'000; ++i) Offer(fmt::format("often{}", i), R"({"lang":"de"})");
  EXPECT_THAT(Kept("has(item.lang) and item.lang == \"oc\""), IsEmpty());
  context_.trending = nullptr;
  query_.n = 20;
  scene_.filter.own = false;
  FillPage(&context_);
  ASSERT_EQ(context_.page.size(), 20U);
  for (const Candidate& candidate : context_.page)
    EXPECT_THAT(std::string(state_->PostId(candidate.input.post)), testing::StartsWith("rare"));
}

TEST_F(FieldRuleTest, NamesPlaceFoundAndAllowed) {
  EXPECT_THAT(Refusal("item.lang in user.lang"),
              HasSubstr("character 1: found text in text; allowed: a text in texts"));
  EXPECT_THAT(Refusal("item.colour == 'red'"),
              HasSubstr("character 1: found \"item.colour\"; allowed: a value, now, or a field of "
                        "domain.toml: item.furnished item.lang"));
  EXPECT_THAT(Refusal("not item.rooms"), HasSubstr("character 15: found the end; allowed: =="));
  EXPECT_THAT(Refusal("item.furnished == true"), HasSubstr("of booleans say and, or, not"));
  EXPECT_THAT(Refusal("item.rooms > \"3\""), HasSubstr("found number > text; allowed: two numbers"));
  EXPECT_THAT(Refusal("(item.furnished"), HasSubstr("found the end; allowed: \")\""));
  EXPECT_THAT(Refusal("item.furnished user.smoker"),
              HasSubstr("character 16: found \"user.smoker\"; allowed: and, or"));
  EXPECT_THAT(Refusal("item.lang == \"de"), HasSubstr("character 14: a text without its end"));
  EXPECT_THAT(Refusal("item.lang in []"), HasSubstr("a list of at most 100 texts"));
  EXPECT_THAT(Refusal("has(3)"), HasSubstr("found a value; allowed: a field"));
  EXPECT_THAT(Refusal("item.rooms + 1 > 3"), HasSubstr("character 12: found \"+\""));
  EXPECT_THAT(Refusal(""), HasSubstr("found the end"));
  EXPECT_THAT(Refusal(std::string(2000, '(')), HasSubstr("at most 1000"));
  EXPECT_THAT(Refusal(std::string(900, '(')), HasSubstr("deeper than 32"));
  std::string many = "item.furnished";
  for (int i = 0; i < 50; ++i) many += " or user.smoker";
  EXPECT_THAT(Refusal(many), HasSubstr("more than 64 parts"));
}

}  // namespace
}  // namespace feedmill::serve
