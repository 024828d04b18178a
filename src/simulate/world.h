// The synthetic app itself: users with tastes and languages, authors with topics and quality, posts with age, a graph
// of follows and blocks. It knows every user's true preference, which the platform never sees. Immutable after
// construction but for follows and blocks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "simulate/draw.h"
#include "simulate/world_options.h"

namespace feedmill::simulate {

inline constexpr int kTasteDimension = 12;
using TasteVector = std::array<float, kTasteDimension>;

// Hour of the day of an activity: two of three fall within three hours of the person's own peak, the rest over the
// waking day.
double HourOfDay(double uniform, double peak_hour);

struct User {
  TasteVector taste{};
  float sessions_per_day = 0;
  float peak_hour = 20;        // hour of the day at which sessions cluster
  std::vector<int> topics;     // favourite first
  std::vector<int> languages;  // their own first
  std::vector<int> communities;
  bool adult = false;  // asked for posts that are not for everybody
};

struct Author {
  int topic = 0;
  int second_topic = 0;
  float quality = 0;
  float posts_per_day = 0;
  float popularity = 0;  // weight when users choose whom to follow
  bool adult = false;    // most of their posts are not for everybody
};

struct Post {
  uint32_t author = 0;  // also the author's user number
  int topic = 0;
  float quality = 0;
  int text_length = 0;
  int language = 0;
  int community = -1;  // none
  bool adult = false;
  Micros created_at = 0;
  TasteVector content{};
};

class World {
 public:
  // `start` is the first instant of history (midnight UTC).
  World(const WorldOptions& options, Micros start);

  const WorldOptions& options() const { return options_; }
  const Draw& draw() const { return draw_; }
  Micros start() const { return start_; }
  Micros live_start() const { return start_ + options_.history_days * kMicrosPerDay; }
  Micros end() const;

  size_t user_count() const { return users_.size(); }  // the new ones included
  bool IsNewUser(uint32_t user) const { return user >= static_cast<uint32_t>(options_.users); }
  const User& user(uint32_t index) const { return users_[index]; }
  const Author& author(uint32_t index) const { return authors_[index]; }
  const std::vector<Post>& posts() const { return posts_; }                                   // by time
  const std::vector<uint32_t>& posts_of(uint32_t author) const { return posts_of_[author]; }  // by time
  // First post made at or after `time`.
  size_t FirstPostAt(Micros time) const;

  const std::vector<uint32_t>& followees(uint32_t user) const { return follows_[user]; }
  bool Follows(uint32_t user, uint32_t author) const;
  void Follow(uint32_t user, uint32_t author);
  void Block(uint32_t user, uint32_t other);
  // Neither of two who are blocked by one of them is to see the other's posts; who did not ask for it, none for adults.
  bool MaySee(uint32_t user, uint32_t post) const;

  // True chance that the user clicks the post at `now` when looking at it.
  double ClickProbability(uint32_t user, uint32_t post, Micros now) const;
  // Dot product of taste and content, about N(0, 1) over random pairs.
  double Affinity(uint32_t user, uint32_t post) const;
  // Chance to look at a position (0 = first) (a cascade-free examination model: Craswell et al. 2008, "position-based
  // model").
  double Examination(int position) const;

  static std::string UserId(uint32_t user);
  static std::string PostId(uint32_t post);
  std::string TopicName(int topic) const;
  static std::string LanguageName(int language);
  std::string CommunityName(int community) const;
  // Number of a user or post from its id; -1 when it is none of ours.
  static int64_t NumberOf(std::string_view id, char prefix);

 private:
  void MakeTopics();
  void MakeUsers();
  void MakeHabits(uint32_t user);
  int LanguageOf(uint64_t id, uint64_t which) const;
  double Circumstance(const User& user, const Post& post) const;
  void MakeAuthors();
  void MakePosts();
  void MakeFollows();
  void MakeFollowsOf(uint32_t user);

  WorldOptions options_;
  Draw draw_;
  Micros start_;
  std::vector<TasteVector> topic_centres_;
  std::vector<User> users_;
  std::vector<Author> authors_;
  std::vector<Post> posts_;
  std::vector<std::vector<uint32_t>> posts_of_;
  std::vector<std::vector<uint32_t>> follows_;
  std::vector<std::vector<uint32_t>> blocked_;  // both ways
  std::vector<std::vector<uint32_t>> authors_by_topic_;
};

}  // namespace feedmill::simulate
