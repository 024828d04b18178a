#include "serve/feed_query.h"

#include <gtest/gtest.h>

namespace feedmill::serve {
namespace {

io::HttpRequest Post(std::string body) {
  io::HttpRequest request;
  request.method = "POST";
  request.body = std::move(body);
  return request;
}

std::string FieldOf(const io::HttpRequest& request) {
  const auto query = ParseFeedQuery(request, 100);
  return query ? "accepted" : query.error().field;
}

TEST(FeedQueryTest, ReadsABody) {
  const auto query = ParseFeedQuery(
      Post(R"({"user_id":"ada","scene":"trending","n":7,"exclude":["p1","p2"],"after":"0:123","debug":true,
                                          "context":{"topics":["music"],"device":"phone"}})"),
      100);
  ASSERT_TRUE(query.has_value()) << query.error().field;
  EXPECT_EQ(query->user_id, "ada");
  EXPECT_EQ(query->scene, "trending");
  EXPECT_EQ(query->n, 7);
  EXPECT_EQ(query->exclude, (std::vector<std::string>{"p1", "p2"}));
  EXPECT_EQ(query->after, (std::vector<LogPosition>{{0, 123}}));
  EXPECT_TRUE(query->debug);
  EXPECT_EQ(query->topics, std::vector<std::string>{"music"});
}

TEST(FeedQueryTest, ASupposedMessageMakesItADryRun) {
  const auto plain = ParseFeedQuery(Post(R"({"user_id":"ada"})"), 100);
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->dry_run);
  EXPECT_TRUE(ParseFeedQuery(Post(R"({"user_id":"ada","dry_run":true})"), 100)->dry_run);
  const auto query =
      ParseFeedQuery(Post(R"({"user_id":"ada","dry_run":false,"suppose":[{"event":"hide","properties":{"post_id":"p"}},
                                          {"type":"identify","traits":{"topics":["music"]}}]})"),
                     100);
  ASSERT_TRUE(query.has_value()) << query.error().field;
  EXPECT_TRUE(query->dry_run);
  ASSERT_EQ(query->suppose.size(), 2u);
  EXPECT_EQ(query->suppose[0].event.name, "hide");
  EXPECT_EQ(query->suppose[1].event.type, "identify");
  EXPECT_EQ(query->suppose[1].event.properties, R"({"topics":["music"]})");
}

TEST(FeedQueryTest, ReadsAQueryString) {
  io::HttpRequest request;
  request.method = "GET";
  request.query = {{"user_id", "ada"}, {"n", "3"}, {"debug", "1"}, {"after", "2:9,0:1"}};
  const auto query = ParseFeedQuery(request, 100);
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->scene, "home");
  EXPECT_EQ(query->n, 3);
  EXPECT_EQ(query->after, (std::vector<LogPosition>{{2, 9}, {0, 1}}));
}

TEST(FeedQueryTest, NamesTheField) {
  EXPECT_EQ(FieldOf(Post("{")), "body");
  EXPECT_EQ(FieldOf(Post("[1]")), "body");
  EXPECT_EQ(FieldOf(Post(std::string(100'000, ' '))), "body");
  EXPECT_EQ(FieldOf(Post("{}")), "user_id");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":7})")), "user_id");
  EXPECT_EQ(FieldOf(Post("{\"user_id\":\"" + std::string(300, 'x') + "\"}")), "user_id");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","n":0})")), "n");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","n":101})")), "n");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","n":2.5})")), "n");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","after":"12"})")), "after");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","after":"0:-1"})")), "after");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","exclude":"p"})")), "exclude");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","exclude":[1]})")), "exclude");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","context":[]})")), "context");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","debug":"yes"})")), "debug");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","colour":"red"})")), "colour");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","dry_run":1})")), "dry_run");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","suppose":{}})")), "suppose");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","suppose":[7]})")), "suppose[0]");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","suppose":[{"event":7}]})")), "suppose[0].event");
  EXPECT_EQ(FieldOf(Post(R"({"user_id":"a","suppose":[{"event":"like"}]})")), "suppose[0].properties");
}

}  // namespace
}  // namespace feedmill::serve
