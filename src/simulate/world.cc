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

void World::Follow(uint32_t user, uint32_t author) {
  std::vector<uint32_t>& list = follows_[user];
  const auto it = std::lower_bound(list.begin(), list.end(), author);
  if (it == list.end() || *it != author) list.insert(it, author);
}

double World::Affinity(uint32_t user, uint32_t post) const {
  return Dot(users_[user].taste, posts_[post].content) * std::sqrt(static_cast<double>(kTasteDimension)) / 1.6;
}

double World::ClickProbability(uint32_t user, uint32_t post, Micros now) const {
  const Post& p = posts_[post];
  const double age_hours =
      static_cast<double>(std::max<Micros>(0, now - p.created_at)) / static_cast<double>(kMicrosPerHour);
  const double mood = options_.noise * draw_.Normal(Purpose::kClick, user, 0x5000000000ull + post);
  const double logit = options_.click_base + options_.taste_weight * Affinity(user, post) +
                       options_.quality_weight * p.quality +
                       options_.follow_weight * (Follows(user, p.author) ? 1 : 0) -
                       std::numbers::ln2 * age_hours / options_.post_half_life_hours + mood;
  return 1 / (1 + std::exp(-logit));
}

double World::Examination(int position) const { return 1 / (1 + options_.position_decay * position); }

std::string World::UserId(uint32_t user) { return fmt::format("u{:06}", user); }
std::string World::PostId(uint32_t post) { return fmt::format("p{:07}", post); }

std::string World::TopicName(int topic) const {
  if (topic < kNamedTopics) return kTopicNames[topic];
  return fmt::format("{}-{}", kTopicNames[topic % kNamedTopics], topic / kNamedTopics + 1);
}

int64_t World::NumberOf(std::string_view id, char prefix) {
  if (id.size() < 2 || id[0] != prefix) return -1;
  int64_t number = -1;
  const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), number);
  return error == std::errc() && end == id.data() + id.size() ? number : -1;
}

}  // namespace feedmill::simulate
