#include "simulate/world.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace feedmill::simulate {
namespace {

constexpr const char* kTopicNames[] = {"travel",   "cooking", "football", "running",  "cinema",  "series",
                                       "guitar",   "techno",  "history",  "space",    "gardens", "cats",
                                       "dogs",     "fashion", "makeup",   "startups", "coding",  "chess",
                                       "painting", "photos",  "climbing", "cycling",  "parents", "poetry"};
constexpr int kNamedTopics = static_cast<int>(std::size(kTopicNames));

constexpr const char* kLanguageNames[] = {"en", "de", "fr", "es", "pt", "it", "pl", "ja"};
static_assert(std::size(kLanguageNames) == kLanguagesMax);
constexpr double kOfTheNextLanguage = 0.7;  // of those left
constexpr double kAdultPosts = 0.6;         // of an author who makes such

float Dot(const TasteVector& a, const TasteVector& b) {
  float sum = 0;
  for (int i = 0; i < kTasteDimension; ++i) sum += a[i] * b[i];
  return sum;
}

void Normalize(TasteVector* vector) {
  const float length = std::sqrt(std::max(1e-12f, Dot(*vector, *vector)));
  for (float& value : *vector) value /= length;
}

TasteVector RandomDirection(const Draw& draw, Purpose purpose, uint64_t id) {
  TasteVector vector;
  for (int i = 0; i < kTasteDimension; ++i)
    vector[i] = static_cast<float>(draw.Normal(purpose, id, static_cast<uint64_t>(i)));
  Normalize(&vector);
  return vector;
}

bool Holds(const std::vector<int>& some, int one) { return std::find(some.begin(), some.end(), one) != some.end(); }

void InsertSorted(uint32_t one, std::vector<uint32_t>* sorted) {
  const auto it = std::lower_bound(sorted->begin(), sorted->end(), one);
  if (it == sorted->end() || *it != one) sorted->insert(it, one);
}

void AddScaled(TasteVector* sum, const TasteVector& part, float scale) {
  for (int i = 0; i < kTasteDimension; ++i) (*sum)[i] += scale * part[i];
}

// Lognormal with mean 1: a heavy tail over users, authors and follow counts.
double HeavyTail(const Draw& draw, Purpose purpose, uint64_t id, double spread) {
  return std::exp(spread * draw.Normal(purpose, id) - spread * spread / 2);
}

}  // namespace

double HourOfDay(double uniform, double peak_hour) {
  constexpr double kPeakShare = 0.66;
  if (uniform < kPeakShare) return std::fmod(peak_hour + (uniform / kPeakShare - 0.5) * 6 + 24, 24);
  return 6 + (uniform - kPeakShare) / (1 - kPeakShare) * 17.9;
}

World::World(const WorldOptions& options, Micros start)
    : options_(options), draw_(static_cast<uint64_t>(options.seed)), start_(start) {
  MakeTopics();
  MakeUsers();
  MakeAuthors();
  MakePosts();
  MakeFollows();
}

Micros World::end() const {
  return live_start() + static_cast<Micros>(options_.live_hours * static_cast<double>(kMicrosPerHour));
}

void World::MakeTopics() {
  for (int64_t topic = 0; topic < options_.topics; ++topic) {
    topic_centres_.push_back(RandomDirection(draw_, Purpose::kPostTopic, 1'000'000 + static_cast<uint64_t>(topic)));
  }
}

void World::MakeUsers() {
  users_.resize(static_cast<size_t>(options_.users + options_.new_users));
  for (uint32_t id = 0; id < users_.size(); ++id) {
    User& user = users_[id];
    const int count = 1 + static_cast<int>(draw_.Uniform(Purpose::kTaste, id, 1) * (2 * options_.topics_per_user - 1));
    for (int i = 0; i < count; ++i) {
      const int topic = static_cast<int>(
          draw_.Below(static_cast<uint64_t>(options_.topics), Purpose::kTaste, id, 100 + static_cast<uint64_t>(i)));
      user.topics.push_back(topic);
      AddScaled(&user.taste, topic_centres_[static_cast<size_t>(topic)], 1.0f / static_cast<float>(i + 1));
    }
    AddScaled(&user.taste, RandomDirection(draw_, Purpose::kTaste, id), 0.5f);
    Normalize(&user.taste);
    user.sessions_per_day =
        static_cast<float>(options_.sessions_per_user_day * HeavyTail(draw_, Purpose::kActivity, id, 0.8));
    user.peak_hour = static_cast<float>(17 + 5 * draw_.Uniform(Purpose::kHour, id));
    MakeHabits(id);
  }
}

int World::LanguageOf(uint64_t id, uint64_t which) const {
  int language = 0;
  while (language + 1 < options_.languages &&
         draw_.Uniform(Purpose::kLanguage, id, which * kLanguagesMax + static_cast<uint64_t>(language)) >=
             kOfTheNextLanguage) {
    ++language;
  }
  return language;
}

void World::MakeHabits(uint32_t id) {
  User& user = users_[id];
  user.languages.push_back(LanguageOf(id, 0));
  const int second = LanguageOf(id, 1);
  const bool two = draw_.Uniform(Purpose::kLanguage, id, 1'000) < options_.second_language;
  if (two && second != user.languages[0]) user.languages.push_back(second);
  user.adult = draw_.Uniform(Purpose::kAdult, id) < options_.adult_users;
  for (const int topic : user.topics) {
    for (int i = 0; i < options_.communities_per_topic; ++i) {
      const int community = topic * options_.communities_per_topic + i;
      const bool joins = draw_.Uniform(Purpose::kJoin, id, static_cast<uint64_t>(community)) < options_.joins;
      if (joins && !Holds(user.communities, community)) user.communities.push_back(community);
    }
  }
}

void World::MakeAuthors() {
  authors_.resize(static_cast<size_t>(std::min(options_.authors, options_.users)));
  authors_by_topic_.resize(static_cast<size_t>(options_.topics));
  for (uint32_t id = 0; id < authors_.size(); ++id) {
    Author& author = authors_[id];
    author.topic = users_[id].topics[0];
    author.second_topic = users_[id].topics.back();
    author.quality = static_cast<float>(options_.author_quality_spread * draw_.Normal(Purpose::kQuality, id));
    author.posts_per_day =
        static_cast<float>(options_.posts_per_author_day * HeavyTail(draw_, Purpose::kAuthor, id, 0.9));
    author.popularity =
        static_cast<float>(HeavyTail(draw_, Purpose::kFollow, id, 1.2) * std::exp(0.8 * author.quality));
    author.adult = draw_.Uniform(Purpose::kAdult, id, 1) < options_.adult_authors;
    authors_by_topic_[static_cast<size_t>(author.topic)].push_back(id);
  }
}

void World::MakePosts() {
  // One day before history starts, so that the first feeds have something to show.
  const Micros from = start_ - kMicrosPerDay;
  const double days = static_cast<double>(end() - from) / static_cast<double>(kMicrosPerDay);
  for (uint32_t author_id = 0; author_id < authors_.size(); ++author_id) {
    const Author& author = authors_[author_id];
    const auto count =
        static_cast<uint64_t>(author.posts_per_day * days + draw_.Uniform(Purpose::kPostTime, author_id));
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t key = (static_cast<uint64_t>(author_id) << 24) | i;
      Post post;
      post.author = author_id;
      post.topic = draw_.Uniform(Purpose::kPostTopic, key) < 0.75 ? author.topic : author.second_topic;
      const double day = std::floor(draw_.Uniform(Purpose::kPostTime, key, 1) * days);
      const double hour = HourOfDay(draw_.Uniform(Purpose::kPostTime, key, 2), users_[author_id].peak_hour - 3);
      post.created_at = from + static_cast<Micros>((day * 24 + hour) * static_cast<double>(kMicrosPerHour));
      post.quality =
          author.quality + static_cast<float>(options_.post_quality_spread * draw_.Normal(Purpose::kPostQuality, key));
      post.text_length = 20 + static_cast<int>(400 * draw_.Uniform(Purpose::kTextLength, key));
      post.language = users_[author_id].languages[0];
      post.adult = author.adult && draw_.Uniform(Purpose::kAdult, key, 2) < kAdultPosts;
      if (options_.communities_per_topic > 0 && draw_.Uniform(Purpose::kCommunity, key) < options_.community_posts) {
        const auto choices = static_cast<uint64_t>(options_.communities_per_topic);
        const auto which = static_cast<int>(draw_.Below(choices, Purpose::kCommunity, key, 1));
        post.community = post.topic * options_.communities_per_topic + which;
      }
      AddScaled(&post.content, topic_centres_[static_cast<size_t>(post.topic)], 1.0f);
      AddScaled(&post.content, RandomDirection(draw_, Purpose::kPostVector, key), 0.6f);
      Normalize(&post.content);
      if (post.created_at < end()) posts_.push_back(post);
    }
  }
  std::sort(posts_.begin(), posts_.end(), [](const Post& a, const Post& b) {
    return a.created_at != b.created_at ? a.created_at < b.created_at : a.author < b.author;
  });
  posts_of_.resize(authors_.size());
  for (uint32_t post = 0; post < posts_.size(); ++post) posts_of_[posts_[post].author].push_back(post);
}

void World::MakeFollows() {
  follows_.resize(users_.size());
  blocked_.resize(users_.size());
  for (uint32_t user = 0; user < static_cast<uint32_t>(options_.users); ++user) MakeFollowsOf(user);
}

void World::MakeFollowsOf(uint32_t user) {
  const double wanted = options_.follows_per_user * HeavyTail(draw_, Purpose::kFollow, 1'000'000'000ull + user, 0.9);
  const int count = std::clamp(static_cast<int>(wanted), 1, static_cast<int>(authors_.size()) / 2);
  // Each draw proposes one author of a favourite topic and one of all, and takes the one with more popularity x taste.
  for (int i = 0; i < count; ++i) {
    const uint64_t key = static_cast<uint64_t>(user) << 20 | static_cast<uint64_t>(i);
    uint32_t best = 0;
    double best_weight = -1;
    for (uint64_t proposal = 0; proposal < 4; ++proposal) {
      const auto topic = static_cast<size_t>(users_[user].topics[proposal % users_[user].topics.size()]);
      const std::vector<uint32_t>& same_topic = authors_by_topic_[topic];
      const bool like_minded = proposal % 2 == 0 && !same_topic.empty();
      const uint64_t pick =
          draw_.Below(like_minded ? same_topic.size() : authors_.size(), Purpose::kFollow, key, 10 + proposal);
      const uint32_t author = like_minded ? same_topic[pick] : static_cast<uint32_t>(pick);
      const double taste = Dot(users_[user].taste, users_[author].taste);
      const double weight = authors_[author].popularity * std::exp(options_.homophily * taste);
      if (author != user && weight > best_weight) {
        best_weight = weight;
        best = author;
      }
    }
    if (best != user) Follow(user, best);
  }
}

size_t World::FirstPostAt(Micros time) const {
  const auto it = std::lower_bound(posts_.begin(), posts_.end(), time,
                                   [](const Post& post, Micros t) { return post.created_at < t; });
  return static_cast<size_t>(it - posts_.begin());
}

bool World::Follows(uint32_t user, uint32_t author) const {
  return std::binary_search(follows_[user].begin(), follows_[user].end(), author);
}

void World::Follow(uint32_t user, uint32_t author) { InsertSorted(author, &follows_[user]); }

void World::Block(uint32_t user, uint32_t other) {
  InsertSorted(other, &blocked_[user]);
  InsertSorted(user, &blocked_[other]);
}

bool World::MaySee(uint32_t user, uint32_t post) const {
  const Post& p = posts_[post];
  if (p.adult && !users_[user].adult) return false;
  return !std::binary_search(blocked_[user].begin(), blocked_[user].end(), p.author);
}

// What language, adult setting and communities add, in logits.
double World::Circumstance(const User& user, const Post& post) const {
  double logits = 0;
  if (!Holds(user.languages, post.language)) logits += options_.foreign_weight;
  if (post.adult && !user.adult) logits += options_.adult_weight;
  if (post.community >= 0 && Holds(user.communities, post.community)) logits += options_.community_weight;
  return logits;
}

double World::Affinity(uint32_t user, uint32_t post) const {
  return Dot(users_[user].taste, posts_[post].content) * std::sqrt(static_cast<double>(kTasteDimension)) / 1.6;
}

double World::ClickProbability(uint32_t user, uint32_t post, Micros now) const {
  const Post& p = posts_[post];
  const double age_hours =
      static_cast<double>(std::max<Micros>(0, now - p.created_at)) / static_cast<double>(kMicrosPerHour);
  const double mood = options_.noise * draw_.Normal(Purpose::kClick, user, 0x5000000000ull + post);
  const double logit =
      options_.click_base + options_.taste_weight * Affinity(user, post) + options_.quality_weight * p.quality +
      options_.follow_weight * (Follows(user, p.author) ? 1 : 0) -
      std::numbers::ln2 * age_hours / options_.post_half_life_hours + Circumstance(users_[user], p) + mood;
  return 1 / (1 + std::exp(-logit));
}

double World::Examination(int position) const { return 1 / (1 + options_.position_decay * position); }

std::string World::UserId(uint32_t user) { return fmt::format("u{:06}", user); }
std::string World::PostId(uint32_t post) { return fmt::format("p{:07}", post); }

std::string World::TopicName(int topic) const {
  if (topic < kNamedTopics) return kTopicNames[topic];
  return fmt::format("{}-{}", kTopicNames[topic % kNamedTopics], topic / kNamedTopics + 1);
}

std::string World::LanguageName(int language) { return kLanguageNames[language]; }

std::string World::CommunityName(int community) const {
  return fmt::format("{}/{}", TopicName(community / options_.communities_per_topic),
                     community % options_.communities_per_topic + 1);
}

int64_t World::NumberOf(std::string_view id, char prefix) {
  if (id.size() < 2 || id[0] != prefix) return -1;
  int64_t number = -1;
  const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return error == std::errc() && end == id.data() + id.size() ? number : -1;
}

}  // namespace feedmill::simulate
