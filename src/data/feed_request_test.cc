#include "data/feed_request.h"

#include <cmath>

#include <gtest/gtest.h>

namespace feedmill {
namespace {

TEST(FeedRequestTest, ReadsWhatWasShownAndWhy) {
  auto request =
      ParseFeedRequest(R"({"request_id":"r1","user_id":"u1","scene":"home","n":20,"time":"2026-11-22T21:52:06.246Z",
      "bundle":"b1","experiment":null,"degraded":["i2i"],"total_ms":3.25,"funnel":[{"stage":"recall","count":900,"ms":1.5}],
      "filtered":{"seen":3},"feature_set":"f0","actions":["click","like"],"weights":[1,2.5],"feature_names":["age","ctr"],
      "items":[{"post_id":"p1","author_id":"a1","position":0,"reason":"because","source":"i2i","sources":["i2i"],"score":0.5,
                "probabilities":[0.1,0.2],"features":[0.1,null]}],
      "sampled":[{"post_id":"p2","author_id":"a2","source":"fresh","score":0.1}]})");
  ASSERT_TRUE(request) << request.error().ToString();
  EXPECT_EQ(request->request_id, "r1");
  EXPECT_EQ(request->time, 1'795'384'326'246'000);
  EXPECT_EQ(request->bundle, "b1");
  EXPECT_EQ(request->degraded, std::vector<std::string>{"i2i"});
  EXPECT_EQ(request->total_ms, 3.25);
  ASSERT_EQ(request->funnel.size(), 1u);
  EXPECT_EQ(request->funnel[0].count, 900);
  EXPECT_EQ(request->weights, (std::vector<double>{1, 2.5}));
  ASSERT_EQ(request->items.size(), 1u);
  EXPECT_EQ(request->items[0].position, 0);
  EXPECT_EQ(request->items[0].probabilities, (std::vector<double>{0.1, 0.2}));
  ASSERT_EQ(request->items[0].features.size(), 2u);
  EXPECT_EQ(request->items[0].features[0], 0.1f);
  EXPECT_TRUE(std::isnan(request->items[0].features[1]));
  ASSERT_EQ(request->sampled.size(), 1u);
  EXPECT_EQ(request->sampled[0].position, -1);
}

TEST(FeedRequestTest, NullsAreDefaults) {
  auto request = ParseFeedRequest(R"({"request_id":"r","time":"2026-01-01","bundle":null,"items":null})");
  ASSERT_TRUE(request) << request.error().ToString();
  EXPECT_EQ(request->bundle, "");
  EXPECT_TRUE(request->items.empty());
}

TEST(FeedRequestTest, FaultsNameTheMember) {
  auto fault = [](std::string_view json) {
    auto request = ParseFeedRequest(json);
    return request ? "" : request.error().message();
  };
  EXPECT_EQ(fault("[1]"), "feed request: the document is no JSON object");
  EXPECT_EQ(fault("{"), "feed request: the document is no JSON object");
  EXPECT_EQ(fault(R"({"time":"2026-01-01"})"), "feed request: request_id is not there");
  EXPECT_EQ(fault(R"({"request_id":"r"})"), "feed request: time is not a time");
  EXPECT_EQ(fault(R"({"request_id":"r","time":"2026-01-01","items":{}})"), "feed request: items is not a list");
  EXPECT_EQ(fault(R"({"request_id":"r","time":"2026-01-01","items":[{"features":["x"]}]})"),
            "feed request: features is not a list of numbers");
}

}  // namespace
}  // namespace feedmill
