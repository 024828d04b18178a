#include "app/user_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/feature_set.h"

namespace feedmill::app {
namespace {

using testing::ElementsAre;

class UserSearch : public testing::Test {
 protected:
  void Act(const std::string& user) {
    LogRecord record;
    record.event.message_id = fmt::format("m{}", next_);
    record.event.type = "track";
    record.event.name = "like";
    record.event.user_id = user;
    record.event.event_time = 1'790'000'000 * kMicrosPerSecond;
    record.event.properties = R"({"post_id":"p"})";
    state_.Apply(record, {0, next_++});
  }
  std::vector<std::string> Ids(const std::string& search, size_t limit, const UserSearchOptions& options = {}) {
    std::vector<std::string> ids;
    for (const console::UserRow& row : SearchUsers(state_, search, limit, options)) ids.push_back(row.id);
    return ids;
  }

  features::FeatureSet set_ =
      features::LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template").value();
  stream::LiveState state_{set_, {}};
  uint64_t next_ = 0;
};

TEST_F(UserSearch, WhoDidMostComesFirstAndTheExactOneBeforeAll) {
  for (const char* user : {"anna", "ann", "hannah", "bob", "hannah", "hannah", "anna", "zann"}) Act(user);
  EXPECT_THAT(Ids("ann", 10), ElementsAre("ann", "hannah", "anna", "zann"));
  EXPECT_THAT(Ids("ann", 2), ElementsAre("ann", "hannah"));
  EXPECT_THAT(Ids("", 2), ElementsAre("hannah", "anna"));
  EXPECT_THAT(Ids("nobody", 2), ElementsAre());
  EXPECT_THAT(Ids("ann", 0), ElementsAre());
}

TEST_F(UserSearch, LooksAtSoManyAndLetsOthersInBetween) {
  for (int user = 0; user < 1000; ++user) Act(fmt::format("user-{:04}", user));
  UserSearchOptions options;
  options.slice_users = 10;
  options.users_max = 100;
  int slices = 1;
  options.between_slices = [&] {
    ++slices;
    Act("user-0050");  // waits for ever when the guard is still held
  };
  const auto ids = Ids("user-", 1000, options);
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(slices, 10);
  EXPECT_EQ(ids[0], "user-0050");
  EXPECT_THAT(Ids("user-0999", 5, options), ElementsAre("user-0999")) << "the exact one, wherever it is";
}

}  // namespace
}  // namespace feedmill::app
