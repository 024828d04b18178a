// Similar, popular and newest items, over a small world.
#include "serve/item_lists.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "serve/small_world_fixture.h"

namespace feedmill::serve {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class ItemListsTest : public testing::Test {
 protected:
  ItemListsTest() {
    options_.features_folder = FEEDMILL_SOURCE_DIR "/template/features";
    options_.bundle_folder =
        testing::TempDir() + "item_lists_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    world_ = std::make_unique<SmallWorld>(options_);
    bundle_ = world_->OpenTheBundle();
  }
  ~ItemListsTest() override { std::filesystem::remove_all(options_.bundle_folder); }

  std::expected<ItemListQuery, FeedError> Parse(const std::string& path,
                                                std::vector<std::pair<std::string, std::string>> query = {}) {
    io::HttpRequest request;
    request.method = "GET";
    request.path = path;
    request.query = std::move(query);
    return ParseItemListQuery(request, world_->features.domain->Shown(), 100);
  }
  Json Items(const std::string& path, std::vector<std::pair<std::string, std::string>> query = {},
             bool with_bundle = true) {
    const auto parsed = Parse(path, std::move(query));
    if (!parsed) return parsed.error().message;
    const stream::LiveState::ReadGuard guard = world_->state->Read();
    const Bundle* bundle = with_bundle ? bundle_.get() : nullptr;
    const TrendingList trending = MakeTrendingList(*world_->state, &world_->features, bundle, world_->clock.Now(), {});
    const auto listed = ItemListJson(*parsed, {*world_->state, bundle, trending});
    return listed ? Json::parse(*listed)["items"] : Json(listed.error().message);
  }
  static std::vector<std::string> All(const Json& items, const char* member) {
    std::vector<std::string> found;
    for (const Json& item : items) found.push_back(item.value(member, ""));
    return found;
  }

  SmallWorldOptions options_;
  std::unique_ptr<SmallWorld> world_;
  std::shared_ptr<const Bundle> bundle_;
};

TEST_F(ItemListsTest, SimilarItemsAreOthersFromTheBestSourceThereIs) {
  const Json items = Items("/v1/similar/post/post-7", {{"n", "30"}});
  ASSERT_THAT(items, SizeIs(30));
  const auto ids = All(items, "id");
  EXPECT_THAT(ids, Not(Contains("post-7")));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  EXPECT_THAT(All(items, "source"), Contains("vector"));
}

TEST_F(ItemListsTest, WhatNobodyActedOnHasThoseOfItsCategory) {
  world_->Create(SmallWorld::Author(1), "brand-new", SmallWorld::Topic(2), SmallWorld::kNow);
  const Json items = Items("/v1/similar/post/brand-new", {{"n", "10"}});
  ASSERT_THAT(items, SizeIs(10));
  EXPECT_THAT(All(items, "source"), Each("category"));
  EXPECT_THAT(All(items, "category"), Each(SmallWorld::Topic(2)));
  EXPECT_THAT(All(Items("/v1/similar/post/post-7", {}, false), "source"), Each("category")) << "without a bundle";
}

TEST_F(ItemListsTest, PopularAndLatestAreOfACategoryWhenOneIsNamed) {
  const auto of = [](const char* topic) {
    return std::vector<std::pair<std::string, std::string>>{{"category", topic}};
  };
  for (const char* path : {"/v1/popular/post", "/v1/latest/post"}) {
    EXPECT_THAT(Items(path), SizeIs(20)) << path;
    const Json items = Items(path, of("music"));
    EXPECT_THAT(items, Not(IsEmpty())) << path;
    EXPECT_THAT(All(items, "category"), Each("music")) << path;
    EXPECT_THAT(Items(path, of("no such")), IsEmpty()) << path;
  }
  world_->Create(SmallWorld::Author(1), "brand-new", SmallWorld::Topic(2), SmallWorld::kNow);
  EXPECT_EQ(Items("/v1/latest/post")[0]["id"], "brand-new");
}

TEST_F(ItemListsTest, WhatAUserHasHiddenStaysOutForThatUser) {
  const std::string first = Items("/v1/popular/post")[0]["id"];
  world_->Act("user-1", "hide", first);
  EXPECT_THAT(All(Items("/v1/popular/post", {{"user_id", "user-1"}}), "id"), Not(Contains(first)));
  EXPECT_THAT(All(Items("/v1/popular/post", {{"user_id", "user-2"}}), "id"), Contains(first));
  EXPECT_THAT(All(Items("/v1/popular/post", {{"user_id", "nobody"}}), "id"), Contains(first));
}

TEST_F(ItemListsTest, RefusesWithFieldFoundAllowed) {
  const auto refusal = [this](const std::string& path, std::vector<std::pair<std::string, std::string>> query = {}) {
    const auto parsed = Parse(path, std::move(query));
    return parsed ? std::string("taken")
                  : fmt::format("{} {}: {}; {}", parsed.error().status, parsed.error().field, parsed.error().found,
                                parsed.error().allowed);
  };
  EXPECT_EQ(refusal("/v1/popular/song"), "404 kind: song; post");
  EXPECT_EQ(refusal("/v1/popular/"), "404 kind: ; post");
  EXPECT_EQ(refusal("/v1/similar/post"), "400 id: ; an id of 1 to 256 bytes of UTF-8, none of value 0");
  EXPECT_EQ(refusal("/v1/similar/post/"), "400 id: ; an id of 1 to 256 bytes of UTF-8, none of value 0");
  EXPECT_EQ(refusal("/v1/similar/post/a/b"), "taken") << "ids may hold slashes";
  for (const char* n : {"0", "101", "x", "", "5x", "99999999999"})
    EXPECT_THAT(refusal("/v1/latest/post", {{"n", n}}), HasSubstr("a whole number from 1 to 100")) << n;
  EXPECT_THAT(refusal("/v1/latest/post", {{"topic", "a"}}), HasSubstr("n, category, user_id"));
  EXPECT_THAT(refusal("/v1/latest/post", {{"after", "7"}}), HasSubstr("400 after: 7; partition:offset"));
  EXPECT_THAT(refusal("/v1/latest/post", {{"category", ""}}), HasSubstr("a text of 1 to 256 bytes"));
  EXPECT_EQ(Items("/v1/similar/post/never-heard-of"), "nothing is known of \"never-heard-of\"");
}

}  // namespace
}  // namespace feedmill::serve
