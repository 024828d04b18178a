#include "simulate/world_options.h"

#include <algorithm>

#include "base/config_table.h"
#include "io/file_system.h"
#include "simulate/embedded_worlds.h"

namespace feedmill::simulate {
namespace {

constexpr size_t kBehavioursMax = 64;

// The name of an event or of a property. It goes into JSON as it is.
void Word(ConfigTable& table, std::string_view key, std::string* word) {
  table.Text(key, word);
  const auto good = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\'; };
  if (word->size() > 128 || !std::ranges::all_of(*word, good))
    table.Refuse(key, "a text of at most 128 bytes without quotes, backslashes and control characters");
}

void Need(ConfigTable& table, std::string_view key, std::string* word) {
  Word(table, key, word);
  if (word->empty()) table.Refuse(key, "a text that is not empty");
}

void ReadSize(ConfigTable table, WorldOptions* o, ConfigTable* root) {
  table.Integer("users", 10, 10'000'000, &o->users);
  table.Integer("new_users", 0, 1'000'000, &o->new_users);
  table.Integer("authors", 2, 1'000'000, &o->authors);
  table.Integer("topics", 2, 1'000, &o->topics);
  table.Integer("history_days", 1, 365, &o->history_days);
  table.Number("live_hours", 0.1, 240, &o->live_hours);
  root->Take(table.Done());
}

void ReadSupply(ConfigTable table, WorldOptions* o, ConfigTable* root) {
  table.Number("posts_per_author_day", 0.01, 100, &o->posts_per_author_day);
  table.Number("author_quality_spread", 0, 3, &o->author_quality_spread);
  table.Number("post_quality_spread", 0, 3, &o->post_quality_spread);
  table.Number("post_half_life_hours", 0.5, 1'000, &o->post_half_life_hours);
  root->Take(table.Done());
}

void ReadDemand(ConfigTable table, WorldOptions* o, ConfigTable* root) {
  table.Number("sessions_per_user_day", 0.01, 50, &o->sessions_per_user_day);
  table.Number("feeds_per_session", 1, 20, &o->feeds_per_session);
  table.Integer("slate", 1, 50, &o->slate);
  table.Number("topics_per_user", 1, 10, &o->topics_per_user);
  table.Number("taste_weight", 0, 10, &o->taste_weight);
  table.Number("quality_weight", 0, 10, &o->quality_weight);
  table.Number("follow_weight", 0, 10, &o->follow_weight);
  table.Number("click_base", -10, 5, &o->click_base);
  table.Number("position_decay", 0, 5, &o->position_decay);
  table.Number("noise", 0, 5, &o->noise);
  root->Take(table.Done());
}

void ReadGraph(ConfigTable table, WorldOptions* o, ConfigTable* root) {
  table.Number("follows_per_user", 0, 1'000, &o->follows_per_user);
  table.Number("homophily", 0, 20, &o->homophily);
  root->Take(table.Done());
}

void ReadVariety(ConfigTable table, WorldOptions* o, ConfigTable* root) {
  table.Integer("languages", 1, kLanguagesMax, &o->languages);
  table.Number("second_language", 0, 1, &o->second_language);
  table.Number("foreign_weight", -10, 0, &o->foreign_weight);
  table.Number("adult_authors", 0, 1, &o->adult_authors);
  table.Number("adult_users", 0, 1, &o->adult_users);
  table.Number("adult_weight", -10, 0, &o->adult_weight);
  table.Integer("communities_per_topic", 0, 100, &o->communities_per_topic);
  table.Number("community_posts", 0, 1, &o->community_posts);
  table.Number("joins", 0, 1, &o->joins);
  table.Number("community_weight", 0, 10, &o->community_weight);
  root->Take(table.Done());
}

void ReadWords(ConfigTable table, AppWords* app, ConfigTable* root) {
  Word(table, "opened", &app->opened);
  Need(table, "shown", &app->shown);
  Need(table, "follow", &app->follow);
  Need(table, "follow_id", &app->follow_id);
  ConfigTable item = table.Table("item");
  Need(item, "made_by", &app->item.made_by);
  Need(item, "id", &app->item.id);
  Word(item, "author", &app->item.author);
  Word(item, "topic", &app->item.topic);
  Word(item, "length", &app->item.length);
  Word(item, "language", &app->item.language);
  Word(item, "adult", &app->item.adult);
  Word(item, "community", &app->item.community);
  table.Take(item.Done());
  ConfigTable user = table.Table("user");
  Word(user, "country", &app->user.country);
  Word(user, "topics", &app->user.topics);
  Word(user, "languages", &app->user.languages);
  Word(user, "adult", &app->user.adult);
  Word(user, "communities", &app->user.communities);
  table.Take(user.Done());
  root->Take(table.Done());
}

Behaviour ReadBehaviour(const std::string& name, ConfigTable& table) {
  using When = Behaviour::When;
  using Effect = Behaviour::Effect;
  Behaviour behaviour;
  behaviour.name = name;
  Need(table, "event", &behaviour.event);
  table.OneOf<When>("when", {{"open", When::kOpen}, {"opened", When::kOpened}, {"unwanted", When::kUnwanted}},
                    &behaviour.when);
  table.OneOf<bool>("about", {{"item", false}, {"author", true}}, &behaviour.about_author);
  table.OneOf<Effect>("effect", {{"follows", Effect::kFollows}, {"blocks", Effect::kBlocks}}, &behaviour.effect);
  table.Boolean("always", &behaviour.always);
  table.Number("chance", 0, 1, &behaviour.chance);
  if (behaviour.about_author) Need(table, "id", &behaviour.id);
  Word(table, "value", &behaviour.value);
  table.Number("value_base", 0, 1e9, &behaviour.value_base);
  table.Number("value_interest", 0, 1e9, &behaviour.value_interest);
  table.Number("value_spread", 0, 5, &behaviour.value_spread);
  if (behaviour.effect != Effect::kNone && !behaviour.about_author)
    table.Refuse("effect", "nothing, while it is not about = \"author\"");
  return behaviour;
}

void ReadBehaviours(ConfigTable* root, WorldOptions* o) {
  auto tables = root->Tables("behaviour");
  if (tables.empty()) return;
  o->behaviours.clear();
  for (auto& [name, table] : tables) {
    o->behaviours.push_back(ReadBehaviour(name, table));
    root->Take(table.Done());
  }
  const auto opens = std::ranges::count(o->behaviours, Behaviour::When::kOpen, &Behaviour::when);
  if (opens != 1 || o->behaviours.size() > kBehavioursMax)
    root->Refuse("behaviour", fmt::format("at most {}, one of them with when = \"open\"", kBehavioursMax));
}

Result<WorldOptions> Read(const std::string& file, std::string_view text, WorldOptions options) {
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(file, text));
  ConfigTable root(document, &document.root, "");
  root.Integer("seed", 0, 2'147'483'647, &options.seed);
  ReadSize(root.Table("size"), &options, &root);
  ReadSupply(root.Table("supply"), &options, &root);
  ReadDemand(root.Table("demand"), &options, &root);
  ReadGraph(root.Table("graph"), &options, &root);
  ReadVariety(root.Table("variety"), &options, &root);
  ReadWords(root.Table("app"), &options.app, &root);
  ReadBehaviours(&root, &options);
  FEEDMILL_TRY(root.Done());
  if (options.authors > options.users) {
    return InvalidArgument("{}: size.authors: found {}, allowed at most size.users ({}): authors are users", file,
                           options.authors, options.users);
  }
  return options;
}

}  // namespace

const WorldOptions& BuiltInWorld() {
  static const WorldOptions kWorld = [] {
    const EmbeddedPage& page = EmbeddedWorlds().front();
    return *Read(std::string(page.path), page.content, {});
  }();
  return kWorld;
}

Result<WorldOptions> LoadWorldOptions(const std::string& path) {
  if (path.empty()) return BuiltInWorld();
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(io::PosixFileSystem(), path));
  return Read(path, text, BuiltInWorld());
}

}  // namespace feedmill::simulate
