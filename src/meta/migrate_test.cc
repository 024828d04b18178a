#include "meta/migrate.h"

#include <filesystem>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meta/store_file.h"

namespace feedmill::meta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MigrateTest : public testing::Test {
 protected:
  MigrateTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_migrate_{}", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~MigrateTest() override { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<Store>> Open(std::vector<Migration> migrations) { return OpenStore(Path(), migrations); }
  std::string Path() const { return (folder_ / "meta.db").string(); }
  static std::vector<std::string> Names(Store& store) {
    std::vector<std::string> names;
    auto outcome = store.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT name FROM meta_migration ORDER BY name"));
      for (const Row& row : rows) names.push_back(std::get<std::string>(row[0]));
      return Ok();
    });
    EXPECT_TRUE(outcome.has_value()) << outcome.error().ToString();
    return names;
  }

  const std::filesystem::path folder_;
};

TEST_F(MigrateTest, AppliesEachOnceInOrder) {
  const Migration first = {"a/001", "CREATE TABLE one (id INTEGER); INSERT INTO one VALUES (1)"};
  const Migration second = {"a/002",
                            "INSERT INTO one SELECT id + 1 FROM one; INSERT INTO one SELECT 10 * id FROM one;"};
  ASSERT_TRUE(Open({first}));
  ASSERT_TRUE(Open({first, second}));
  auto store = Open({first, second});
  ASSERT_TRUE(store);
  EXPECT_THAT(Names(**store), ElementsAre("a/001", "a/002"));
  ASSERT_TRUE((*store)->Read([](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT group_concat(id) FROM (SELECT id FROM one ORDER BY id)"));
    EXPECT_EQ(rows[0][0], Value(std::string("1,2,10,20")));
    return Ok();
  }));
}

TEST_F(MigrateTest, ARoomMayOpenWithItsOwnMigrationsOnly) {
  ASSERT_TRUE(Open({{"a/001", "CREATE TABLE one (id INTEGER)"}}));
  auto store = Open({{"b/001", "CREATE TABLE two (id INTEGER)"}});
  ASSERT_TRUE(store);
  EXPECT_THAT(Names(**store), ElementsAre("a/001", "b/001"));
}

TEST_F(MigrateTest, AChangedTextIsCorrupt) {
  ASSERT_TRUE(Open({{"a/001", "CREATE TABLE one (id INTEGER)"}}));
  auto store = Open({{"a/001", "CREATE TABLE one (id TEXT)"}});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(store.error().message(), HasSubstr("a/001"));
}

TEST_F(MigrateTest, ANewerOneIsRefusedAndNothingChanges) {
  const Migration first = {"a/001", "CREATE TABLE one (id INTEGER)"},
                  newer = {"a/002", "CREATE TABLE two (id INTEGER)"};
  ASSERT_TRUE(Open({first, newer}));
  for (const Rooms rooms : {Rooms::kSome, Rooms::kAll}) {
    const std::vector<Migration> known = {first, {"b/001", "CREATE TABLE three (id INTEGER)"}};
    auto store = rooms == Rooms::kAll ? OpenWholeStore(Path(), known) : OpenStore(Path(), known);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().kind(), ErrorKind::kInvalidArgument);
    EXPECT_THAT(store.error().message(), HasSubstr("newer feedmill has changed this data folder (migration 'a/002'"));
  }
  EXPECT_THAT(Names(**Open({first, newer})), ElementsAre("a/001", "a/002"));
  const std::vector<Migration> other = {{"b/001", "CREATE TABLE three (id INTEGER)"}};
  EXPECT_FALSE(OpenWholeStore(Path(), other)) << "a room that this program does not know";
  EXPECT_TRUE(OpenStore(Path(), other));
}

TEST_F(MigrateTest, AFailedOneLeavesNothingAndIsNamed) {
  const Migration broken = {"a/002", "CREATE TABLE two (id INTEGER); INSERT INTO nowhere VALUES (1)"};
  auto store = Open({{"a/001", "CREATE TABLE one (id INTEGER)"}, broken});
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), HasSubstr("a/002"));
  auto mended = Open({{"a/001", "CREATE TABLE one (id INTEGER)"}, {"a/002", "CREATE TABLE two (id INTEGER)"}});
  ASSERT_TRUE(mended) << mended.error().ToString();
  EXPECT_THAT(Names(**mended), ElementsAre("a/001", "a/002"));
}

TEST_F(MigrateTest, ANameGivenTwiceIsRefused) {
  auto store = Open({{"a/001", "CREATE TABLE one (id INTEGER)"}, {"a/001", "CREATE TABLE one (id INTEGER)"}});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind(), ErrorKind::kInvalidArgument);
}

TEST(SplitStatementsTest, KeepsSemicolonsThatEndNothing) {
  EXPECT_THAT(SplitStatements("SELECT ';'; SELECT 2 -- a;b\n;"), ElementsAre("SELECT ';';", " SELECT 2 -- a;b\n;"));
  EXPECT_THAT(SplitStatements("CREATE TRIGGER t AFTER INSERT ON x BEGIN DELETE FROM y; END; SELECT 1"),
              ElementsAre("CREATE TRIGGER t AFTER INSERT ON x BEGIN DELETE FROM y; END;", " SELECT 1"));
  EXPECT_THAT(SplitStatements(" \n "), ElementsAre());
}

}  // namespace
}  // namespace feedmill::meta
