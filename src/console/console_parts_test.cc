// The console's smaller parts: acted events, activity, rates, pages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "console/act.h"
#include "console/activity.h"
#include "console/assets.h"
#include "console/sampler.h"

namespace feedmill::console {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

const ActWords kWords = {domain::LegacyDomain(), [](std::string_view event, std::string_view property) {
                           return event != "hide" || property == "post_id";
                         }};

Json Properties(const std::string& body) {
  const auto acted = MakeActedEvent(kWords, body, "m");
  return acted ? Json::parse(acted->body)["properties"] : Json(acted.error().message());
}

TEST(ActTest, SaysWhatTheAppWouldHaveSaid) {
  EXPECT_EQ(Properties(R"({"action":"follow","user_id":"u","author_id":"a","item_id":"p"})"),
            (Json{{"target_user_id", "a"}}));
  EXPECT_EQ(Properties(R"({"action":"hide","user_id":"u","author_id":"a","item_id":"p"})"), (Json{{"post_id", "p"}}));
  EXPECT_EQ(Properties(R"({"action":"hide_author","user_id":"u","author_id":"a"})"), (Json{{"target_user_id", "a"}}));
  EXPECT_EQ(Properties(R"({"action":"dwell_seconds","user_id":"u","author_id":"a","item_id":"p"})")["dwell_ms"], 8000);
  const auto identify = MakeActedEvent(kWords, R"({"action":"identify","user_id":"u","traits":{"topics":["x"]}})", "m");
  ASSERT_TRUE(identify.has_value());
  EXPECT_EQ(identify->path, "/v1/identify");
}

TEST(ActTest, ActionsAreThoseOfTheDomain) {
  const ActWords shop = {*domain::ParseDomain("domain.toml", R"(
[item.product]
id = "sku"
[item.customer]
id = "userId"
[action.purchase]
event = "order"
value = "price"
scale = 0.01
value_max = 5
)"),
                         [](std::string_view, std::string_view) { return true; }};
  const std::string about = R"(,"user_id":"u","item_id":"p","author_id":"a","request_id":"r","position":3})";
  const Json event = Json::parse(MakeActedEvent(shop, R"({"action":"purchase")" + about, "m")->body);
  EXPECT_EQ(event["event"], "order");
  EXPECT_EQ(event["properties"], (Json{{"sku", "p"}, {"price", 500}, {"request_id", "r"}, {"position", 3}}));
  for (const char* act : {"like", "purchase_author", "shown", "follow"}) {
    const auto refused = MakeActedEvent(shop, fmt::format(R"({{"action":"{}","items":[{{}}])", act) + about, "m");
    ASSERT_FALSE(refused) << act;
    EXPECT_THAT(refused.error().message(), HasSubstr(act));
  }
}

TEST(ActTest, ImpressionsAreOneBatch) {
  const auto acted = MakeActedEvent(kWords, R"({"action":"impression","user_id":"u","request_id":"r","scene":"home",
      "items":[{"item_id":"p","author_id":"a","position":0,"source":"i2i"},{"item_id":"q","author_id":"b","position":1,"source":"fresh"}]})",
                                    "m");
  ASSERT_TRUE(acted.has_value()) << acted.error().message();
  EXPECT_EQ(acted->path, "/v1/batch");
  const Json batch = Json::parse(acted->body)["batch"];
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[1]["properties"]["source"], "fresh");
  EXPECT_EQ(batch[1]["properties"]["request_id"], "r");
  EXPECT_NE(batch[0]["messageId"], batch[1]["messageId"]);
}

TEST(ActTest, RefusesWhatItCannotSay) {
  for (const char* body :
       {"", "[]", "{}", R"({"action":"like"})", R"({"action":"like","user_id":"u"})", R"({"action":7,"user_id":"u"})",
        R"({"action":"impression","user_id":"u","items":[]})", R"({"action":"impression","user_id":"u","items":[3]})",
        R"({"action":"fly","user_id":"u"})"}) {
    EXPECT_FALSE(MakeActedEvent(kWords, body, "m").has_value()) << body;
  }
}

TEST(ActTest, ActsAreSupposedAsTheMessagesTheyWouldBe) {
  const auto body =
      SupposeActs(kWords, R"({"user_id":"u","suppose":[{"action":"hide","user_id":"u","item_id":"p","author_id":"a"},
      {"action":"impression","user_id":"u","items":[{"item_id":"p","author_id":"a"},{"item_id":"q","author_id":"b"}]}]})");
  ASSERT_TRUE(body.has_value()) << body.error().message();
  const Json asked = Json::parse(*body);
  ASSERT_EQ(asked["suppose"].size(), 3u);
  EXPECT_EQ(asked["suppose"][0]["event"], "hide");
  EXPECT_EQ(asked["suppose"][2]["properties"]["post_id"], "q");
  EXPECT_EQ(*SupposeActs(kWords, R"({"user_id":"u"})"), R"({"user_id":"u"})");
  EXPECT_FALSE(SupposeActs(kWords, R"({"suppose":[{"action":"fly","user_id":"u"}]})").has_value());
}

LogRecord Taken(const std::string& name) {
  LogRecord record;
  record.event.name = name;
  record.event.properties = R"({"post_id":"p"})";
  return record;
}

LogRecord Refused(const std::string& rule) {
  LogRecord record;
  record.kind = RecordKind::kRejected;
  record.rejection = {"why", "properties.x", rule, R"({"event":"x"})"};
  return record;
}

TEST(ActivityTest, KeepsTheNewestOfBothKindsApart) {
  ActivityRing ring(3);
  ring.Observe(Refused("wrong_type"));
  for (int i = 0; i < 5; ++i) ring.Observe(Taken(std::to_string(i)));
  const auto rows = ring.Newest(10);
  ASSERT_EQ(rows.size(), 4u) << "the refused one outlives a flood of others";
  EXPECT_EQ(rows[0].name, "4");
  EXPECT_EQ(rows[0].payload, R"({"post_id":"p"})");
  EXPECT_EQ(rows[3].rule, "wrong_type");
  EXPECT_EQ(rows[3].reason, "why");
  EXPECT_EQ(rows[3].payload, R"({"event":"x"})");
  EXPECT_EQ(ring.Newest(10, rows[1].sequence).size(), 1u);
  EXPECT_EQ(ring.Newest(1)[0].name, "4");
  ASSERT_EQ(ring.NewestRefused(10).size(), 1u);
  EXPECT_EQ(ring.NewestRefused(10)[0].field, "properties.x");
}

TEST(ActivityTest, CutsAtWholeLettersAndReadsTheHeadOfAFeed) {
  ActivityRing ring(3);
  LogRecord large = Taken("large");
  large.event.properties = std::string(8191, 'x') + "é";
  ring.Observe(large);
  EXPECT_EQ(ring.Newest(1)[0].payload, std::string(8191, 'x') + "…");
  LogRecord feed;
  feed.kind = RecordKind::kFeedRequest;
  feed.document = R"({"request_id":"r1","user_id":"ada","scene":"home"})";
  ring.Observe(feed);
  EXPECT_EQ(ring.Newest(1)[0].user_id, "ada");
  EXPECT_EQ(ring.Newest(1)[0].message_id, "r1");
}

TEST(SamplerTest, TurnsTotalsIntoRatesAndRecentLatencies) {
  Totals totals{1000, 3};
  Histogram histogram({0.001, 0.01, 0.1});
  histogram.Observe(0.05);
  Sampler sampler([&] { return totals; }, &histogram);
  sampler.Step(1);
  totals.events_total = 1500;
  for (int i = 0; i < 100; ++i) histogram.Observe(0.005);
  sampler.Step(2);
  const auto history = sampler.History();
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].events_per_s, 0);
  EXPECT_EQ(history[1].events_per_s, 250);
  EXPECT_EQ(history[1].feeds_per_s, 50);
  EXPECT_GT(history[1].feed_p50_ms, 1);
  EXPECT_LE(history[1].feed_p99_ms, 10);
  for (size_t i = 0; i < kHistorySamples + 10; ++i) sampler.Step(1);
  EXPECT_EQ(sampler.History().size(), kHistorySamples);
  EXPECT_EQ(sampler.History().back().feed_p99_ms, 0);
}

TEST(SamplerTest, QuantilesByStraightLines) {
  EXPECT_DOUBLE_EQ(QuantileOfBuckets({1, 2, 4}, {0, 10, 0, 0}, 0.5), 1.5);
  EXPECT_DOUBLE_EQ(QuantileOfBuckets({1, 2, 4}, {0, 0, 0, 5}, 0.5), 4);
  EXPECT_DOUBLE_EQ(QuantileOfBuckets({1, 2, 4}, {0, 0, 0, 0}, 0.5), 0);
}

io::HttpResponse Page(const std::string& path, const std::string& etag = "", const std::string& method = "GET") {
  io::HttpRequest request;
  request.method = method;
  request.path = path;
  if (!etag.empty()) request.headers = {{"if-none-match", etag}};
  return AnswerAsset(request, Assets());
}

std::string HeaderOf(const io::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(AssetsTest, PagesComeWithTypeTagAndPolicy) {
  const io::HttpResponse index = Page("/console/");
  EXPECT_EQ(index.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(HeaderOf(index, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(HeaderOf(index, "Cache-Control"), "no-cache");
  EXPECT_EQ(Page("/console/bundles").body, index.body);
  EXPECT_EQ(Page("/console/", HeaderOf(index, "ETag")).status, 304);
  EXPECT_EQ(Page("/console/", "", "HEAD").body, "");
  EXPECT_EQ(Page("/console/", "", "POST").status, 405);
  EXPECT_EQ(Page("/console/../secrets.toml").status, 404);
}

TEST(AssetsTest, NothingIsLoadedFromElsewhere) {
  int scripts = 0;
  for (const Asset& asset : Assets()) {
    const io::HttpResponse answer = Page("/console/" + std::string(asset.path));
    EXPECT_EQ(answer.body, asset.bytes);
    if (asset.path.ends_with(".js")) {
      ++scripts;
      EXPECT_EQ(answer.content_type, "text/javascript; charset=utf-8");
      EXPECT_THAT(HeaderOf(answer, "Cache-Control"), HasSubstr("immutable"));
    }
    if (asset.path.ends_with(".css") || asset.path.ends_with(".html")) {
      EXPECT_EQ(asset.bytes.find("https://"), std::string_view::npos) << asset.path;
      EXPECT_EQ(asset.bytes.find("url(//"), std::string_view::npos) << asset.path;
    }
  }
  EXPECT_GE(scripts, 1);
}

}  // namespace
}  // namespace feedmill::console
