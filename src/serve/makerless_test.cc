// Items that no event makes: they are there from their first action on, without an age and without an author.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/answer.h"
#include "serve/catalogue_age.h"
#include "serve/feed_row.h"
#include "serve/stage.h"

namespace feedmill::serve {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr Micros kNow = 1'780'000'000 * kMicrosPerSecond;
constexpr std::string_view kSongs =
    "[item.song]\nid = \"song\"\ncategory = \"genre\"\n[item.user]\nid = \"userId\"\n[action.played]\nevent = "
    "\"played\"\ntaste = 1\n[action.banned]\nevent = \"banned\"\nhides = [\"item\"]\n";
constexpr std::string_view kFeatures =
    "[[feature]]\nname = \"plays\"\nkind = \"log_count\"\nkey = \"song\"\naction = \"played\"\nhalf_life = \"1d\"\n"
    "[[feature]]\nname = \"age\"\nkind = \"age_hours\"\n";

class MakerlessTest : public testing::Test {
 protected:
  MakerlessTest() {
    for (int song = 0; song < 30; ++song) Send("played", fmt::format("u{}", song % 7), song);
    // The template's rules are about fields that songs do not have.
    std::string home = io::ReadWholeFile(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/feed/home.toml").value();
    const size_t rules = home.find("\nrules = [");
    home.erase(rules, home.find("\n]", rules) + 2 - rules);
    scene_ = ParseScene(home, "home.toml", "home", *set_.domain).value();
    query_.user_id = "u1";
    query_.n = 10;
    context_.query = &query_;
    context_.scene = &scene_;
    context_.state = &state_;
    context_.now = kNow;
  }
  void Send(std::string name, std::string user, int song) {
    LogRecord record;
    record.event.message_id = fmt::format("m{}", next_);
    record.event.type = "track";
    record.event.name = std::move(name);
    record.event.user_id = std::move(user);
    record.event.event_time = record.event.original_time = kNow - kMicrosPerHour;
    record.event.properties = fmt::format(R"({{"song":"s{}","genre":"g{}"}})", song, song % 3);
    state_.Apply(record, {0, next_++});
  }

  features::FeatureSet set_ =
      features::ParseFeatureSet("f.toml", kFeatures, domain::ParseDomain("d.toml", kSongs).value()).value();
  stream::LiveState state_{set_, {}};
  uint64_t next_ = 0;
  Scene scene_;
  FeedQuery query_;
  TrendingList trending_;
  FeedContext context_;
};

TEST_F(MakerlessTest, TheyAreOnPagesWithoutAgeAndAuthor) {
  Send("banned", "u1", 4);
  context_.as_of = state_.AsOf(kNow);
  context_.ages_from = AgesFrom(state_, kNow);
  trending_ = MakeTrendingList(state_, &set_, nullptr, context_.as_of, {});
  context_.trending = &trending_;
  HydrateQuery(&context_);
  for (int song = 0; song < 30; ++song)
    context_.candidates.Add(Source::kTrending, song, state_.FindPost(fmt::format("s{}", song)));
  HydrateCandidates(&context_);
  FilterCandidates(&context_);
  // Of 30, five were played by u1 and one of the others was banned.
  EXPECT_EQ(context_.filtered[static_cast<size_t>(FilterRule::kUnknown)], 0);
  EXPECT_EQ(context_.filtered[static_cast<size_t>(FilterRule::kExpired)], 0);
  EXPECT_EQ(context_.filtered[static_cast<size_t>(FilterRule::kSeen)], 5);
  EXPECT_THAT(context_.candidates.items(), SizeIs(24));
  OrderCandidates(&context_);
  ArrangePage(&context_);
  EXPECT_THAT(context_.page, SizeIs(10)) << "no cap holds for items that nobody made";
  const std::string answer = AnswerJson(context_, {"r", 0});
  EXPECT_THAT(answer, Not(HasSubstr("created_at")));
  EXPECT_THAT(answer, HasSubstr("\"author\":\"\""));
  EXPECT_THAT(FeedRowJson(&context_, {"r", 0}, 3), HasSubstr("\"author_id\":\"\""));
}

}  // namespace
}  // namespace feedmill::serve
