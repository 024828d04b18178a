// A small world of random records for the tests and the bench of this room.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "features/feature_set.h"
#include "stream/live_state.h"

namespace feedmill::stream {

inline constexpr Micros kWorldStart = 1'790'000'000 * kMicrosPerSecond;

inline features::FeatureSet TemplateFeatures() {
  return features::LoadProjectFeatures(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template").value();
}

// With what the template leaves out: features of a category and of a field.
inline features::FeatureSet WithCategories(const features::FeatureSet& set) {
  const std::string more =
      "[[feature]]\nname = \"topic\"\nkind = \"category\"\nproperty = \"topic\"\n"
      "[[feature]]\nname = \"lang\"\nkind = \"category\"\nproperty = \"lang\"\n";
  return features::ParseFeatureSet("with categories", FormatFeatureSet(set) + more, set.domain).value();
}

// Received at a time that is not known, unless it is told.
inline LogRecord MakeRecord(std::string name, std::string user, Micros time, std::string properties,
                            Micros received = 0) {
  static uint64_t made = 0;
  LogRecord record;
  record.event.message_id = "m" + std::to_string(made++);
  record.event.type = "track";
  record.event.name = std::move(name);
  record.event.user_id = std::move(user);
  record.event.event_time = time;
  record.event.received_time = received;
  record.event.properties = std::move(properties);
  return record;
}

inline LogRecord MakeIdentify(std::string user, Micros time, std::string traits) {
  LogRecord record = MakeRecord("", std::move(user), time, std::move(traits));
  record.event.type = "identify";
  return record;
}

struct WorldSize {
  uint64_t users = 40;
  uint64_t posts = 120;
  uint64_t topics = 5;
  double late = 0.1;  // share of events up to two days late
};

// One random event; names, ids and times as a social app sends them.
class RandomWorld {
 public:
  RandomWorld(uint64_t seed, WorldSize size) : random_(seed), size_(size) {}

  LogRecord Next() {
    LogRecord record = Draw();
    record.event.received_time = now_;
    return record;
  }
  Micros now() const { return now_; }

 private:
  LogRecord Draw() {
    now_ += static_cast<Micros>(random_.Below(60 * kMicrosPerSecond));
    const Micros time =
        random_.Chance(size_.late) ? now_ - static_cast<Micros>(random_.Below(2 * kMicrosPerDay)) : now_;
    const std::string user = "u" + std::to_string(random_.Below(size_.users));
    const uint64_t dice = random_.Below(100);
    if (dice < 6 || posts_made_ == 0) {
      // Some posts are made again, as a new version.
      const uint64_t post = random_.Chance(0.05) ? random_.Below(size_.posts) : posts_made_++ % size_.posts;
      return MakeRecord("post_create", user, time,
                        fmt::format(R"({{"post_id":"p{}","topic":"t{}","text_length":{},"lang":"l{}","nsfw":{}}})",
                                    post, post % size_.topics, post * 3, post % 7, post % 5 == 0));
    }
    const uint64_t post = random_.Below(size_.posts);
    if (dice < 12) return MakeRecord(dice < 10 ? "follow" : "unfollow", user, time, Target());
    if (dice < 14) return MakeRecord("hide", user, time, dice == 12 ? Target() : Of(post));
    if (dice < 15) return MakeRecord("app_open", user, time, "{}");
    if (dice < 16)
      return MakeIdentify(user, time,
                          fmt::format(R"({{"topics":["t{0}"],"langs":["l{0}","l{1}"],"adult":{2}}})",
                                      post % size_.topics, post % 7, post % 3 == 0));
    if (dice < 18)
      return MakeRecord("dwell", user, time,
                        fmt::format(R"({{"post_id":"p{}","dwell_ms":{}}})", post, random_.Below(90'000)));
    if (dice < 65)
      return MakeRecord("feed_impression", user, time,
                        fmt::format(R"({{"request_id":"r","post_id":"p{}","position":1}})", post));
    static constexpr const char* kNames[] = {"post_click", "like", "comment", "share", "post_view", "report"};
    return MakeRecord(kNames[random_.Below(6)], user, time, Of(post));
  }
  std::string Of(uint64_t post) {
    if (random_.Chance(0.5)) return fmt::format(R"({{"post_id":"p{}"}})", post);
    return fmt::format(R"({{"author_id":"u{}","post_id":"p{}"}})", post % size_.users, post);
  }
  std::string Target() { return fmt::format(R"({{"target_user_id":"u{}"}})", random_.Below(size_.users)); }

  Random random_;
  WorldSize size_;
  Micros now_ = kWorldStart;
  uint64_t posts_made_ = 0;
};

}  // namespace feedmill::stream
