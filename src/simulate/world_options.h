// The parameters of the synthetic app, read from one documented file (examples/worlds/social.toml).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace feedmill::simulate {

inline constexpr int kLanguagesMax = 8;

// Properties of the event that makes an item, or traits of identify; one that is empty is not told.
struct ItemWords {
  std::string made_by;  // the event
  std::string id;
  std::string author;  // of actions: whose item it is
  std::string topic;
  std::string length;
  std::string language;
  std::string adult;
  std::string community;
};

struct UserWords {
  std::string country;
  std::string topics;
  std::string languages;
  std::string adult;
  std::string communities;
};

// What the app calls things.
struct AppWords {
  std::string opened;     // event: the app was opened
  std::string shown;      // event: an item was
  std::string follow;     // event: of those who are followed from the start
  std::string follow_id;  // its property
  ItemWords item;
  UserWords user;
};

// Something that users do with an item that they looked at.
struct Behaviour {
  enum class When { kOpen, kOpened, kUnwanted };
  enum class Effect { kNone, kFollows, kBlocks };
  std::string name;
  std::string event;
  When when = When::kOpened;
  bool about_author = false;  // else about the item
  std::string id;             // property that names the author
  double chance = 0;          // times the root of the interest, or times how little it is wanted; not of kOpen
  bool always = false;        // whatever the interest
  Effect effect = Effect::kNone;
  std::string value;  // numeric property; empty: none
  double value_base = 0;
  double value_interest = 0;  // grows with the interest, 0 to 1
  double value_spread = 0;    // standard deviation of its logarithm
};

struct WorldOptions {
  int seed = 1;

  // size
  int users = 0;
  int new_users = 0;  // join during the live phase only
  int authors = 0;    // the first users are the authors
  int topics = 0;
  int history_days = 0;
  double live_hours = 0;

  // supply
  double posts_per_author_day = 0;  // mean; heavy-tailed over authors
  double author_quality_spread = 0;
  double post_quality_spread = 0;
  double post_half_life_hours = 0;  // the odds of a click halve in this time

  // demand
  double sessions_per_user_day = 0;  // mean; heavy-tailed over users
  double feeds_per_session = 0;
  int slate = 0;  // items of one feed
  double topics_per_user = 0;
  double taste_weight = 0;  // how much affinity moves a click
  double quality_weight = 0;
  double follow_weight = 0;
  double click_base = 0;      // logit of an average item at the first position
  double position_decay = 0;  // chance to look at position p: 1 / (1 + decay * p)
  double noise = 0;           // spread of the unexplained part of a preference

  // graph
  double follows_per_user = 0;  // mean; heavy-tailed
  double homophily = 0;         // weight of taste when choosing whom to follow

  // variety
  int languages = 1;
  double second_language = 0;  // share of the users
  double foreign_weight = 0;   // logits of a language that is not read
  double adult_authors = 0;    // share
  double adult_users = 0;      // share
  double adult_weight = 0;     // logits, of those who did not ask
  int communities_per_topic = 0;
  double community_posts = 0;   // share
  double joins = 0;             // chance, of a community of one's topics
  double community_weight = 0;  // logits of a joined one

  AppWords app;
  std::vector<Behaviour> behaviours;
};

// examples/worlds/social.toml as built in.
const WorldOptions& BuiltInWorld();

// Reads `path`, which says what is different from the built-in world; empty = nothing is. Errors name file, line,
// field, found, allowed.
Result<WorldOptions> LoadWorldOptions(const std::string& path);

}  // namespace feedmill::simulate
