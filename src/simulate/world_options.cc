#include "simulate/world_options.h"

#include "base/config_document.h"
#include "base/settings.h"
#include "io/file_system.h"

namespace feedmill::simulate {
namespace {

void BindSize(Settings* settings, WorldOptions* o) {
  auto top = settings->Section("");
  top.Integer("seed", &o->seed, {0}, "one seed, one world");
  auto size = settings->Section("size", "How many there are.");
  size.Integer("users", &o->users, {10, 10'000'000}, "users who live through history");
  size.Integer("new_users", &o->new_users, {0, 1'000'000}, "users who join in the live phase");
  size.Integer("authors", &o->authors, {2, 1'000'000}, "the first of the users, who also post");
  size.Integer("topics", &o->topics, {2, 1'000}, "topics of posts and tastes");
  size.Integer("history_days", &o->history_days, {1, 365}, "days sent in bulk");
  size.Real("live_hours", &o->live_hours, {0.1, 240}, "hours lived with the platform's feeds");
}

void BindSupply(Settings* settings, WorldOptions* o) {
  auto supply = settings->Section("supply", "Posts.");
  supply.Real("posts_per_author_day", &o->posts_per_author_day, {0.01, 100}, "mean; heavy-tailed over authors");
  supply.Real("author_quality_spread", &o->author_quality_spread, {0, 3}, "standard deviation, in logits");
  supply.Real("post_quality_spread", &o->post_quality_spread, {0, 3},
              "standard deviation around the author's, in logits");
  supply.Real("post_half_life_hours", &o->post_half_life_hours, {0.5, 1'000}, "the odds of a click halve in this time");
}

void BindDemand(Settings* settings, WorldOptions* o) {
  auto demand = settings->Section("demand", "What users do.");
  demand.Real("sessions_per_user_day", &o->sessions_per_user_day, {0.01, 50}, "mean; heavy-tailed over users");
  demand.Real("feeds_per_session", &o->feeds_per_session, {1, 20}, "mean");
  demand.Integer("slate", &o->slate, {1, 50}, "items of one feed");
  demand.Real("topics_per_user", &o->topics_per_user, {1, 10}, "mean");
  demand.Real("taste_weight", &o->taste_weight, {0, 10}, "logits a unit of affinity adds to a click");
  demand.Real("quality_weight", &o->quality_weight, {0, 10}, "logits a unit of post quality adds");
  demand.Real("follow_weight", &o->follow_weight, {0, 10}, "logits a follow adds");
  demand.Real("click_base", &o->click_base, {-10, 5}, "logit of an average item looked at");
  demand.Real("position_decay", &o->position_decay, {0, 5}, "chance to look at position p is 1 / (1 + decay * p)");
  demand.Real("noise", &o->noise, {0, 5}, "spread of what nothing explains, in logits");
}

void BindGraph(Settings* settings, WorldOptions* o) {
  auto graph = settings->Section("graph", "Who follows whom.");
  graph.Real("follows_per_user", &o->follows_per_user, {0, 1'000}, "mean; heavy-tailed over users");
  graph.Real("homophily", &o->homophily, {0, 20}, "how much shared taste counts beside popularity");
}

}  // namespace

Result<WorldOptions> LoadWorldOptions(const std::string& path) {
  WorldOptions options;
  if (path.empty()) return options;
  Settings settings;
  BindSize(&settings, &options);
  BindSupply(&settings, &options);
  BindDemand(&settings, &options);
  BindGraph(&settings, &options);
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(io::PosixFileSystem(), path));
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(path, text));
  FEEDMILL_TRY(settings.Load(document));
  if (options.authors > options.users) {
    return InvalidArgument("{}: size.authors: found {}, allowed at most size.users ({}): authors are users", path,
                           options.authors, options.users);
  }
  return options;
}

}  // namespace feedmill::simulate
