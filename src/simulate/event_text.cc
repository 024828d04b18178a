#include "simulate/event_text.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/time_text.h"

namespace feedmill::simulate {

namespace {
constexpr const char* kCountries[] = {"DE", "FR", "IT", "ES", "PL", "NL", "US", "BR", "IN", "JP"};
constexpr double kDeclaresTopics = 0.5;  // share of users who name interests when they join
}  // namespace

void Batch::Next() {
  if (count_++ > 0) text_ += '\n';
}

void Batch::Begin(std::string_view event, std::string_view user_id, std::string_view message_id, Micros time) {
  Next();
  first_ = true;
  fmt::format_to(std::back_inserter(text_),
                 R"({{"type":"track","event":"{}","messageId":"{}","userId":"{}","timestamp":"{}","properties":{{)",
                 event, message_id, user_id, FormatTime(time));
}

template <typename Value>
void Batch::Property(std::string_view name, const Value& value) {
  if (name.empty()) return;
  constexpr bool kIsText = std::is_convertible_v<Value, std::string_view>;
  fmt::format_to(std::back_inserter(text_), kIsText ? R"({}"{}":"{}")" : R"({}"{}":{})", first_ ? "" : ",", name,
                 value);
  first_ = false;
}

void Batch::Texts(std::string_view name, const std::vector<std::string>& texts) {
  if (name.empty()) return;
  fmt::format_to(std::back_inserter(text_), R"({}"{}":[)", first_ ? "" : ",", name);
  for (const std::string& text : texts)
    fmt::format_to(std::back_inserter(text_), R"({}"{}")", &text == texts.data() ? "" : ",", text);
  text_ += ']';
  first_ = false;
}

void Batch::Register(uint32_t user, Micros time) {
  const UserWords& words = world_.options().app.user;
  const User& traits = world_.user(user);
  const std::string id = World::UserId(user);
  Next();
  first_ = true;
  fmt::format_to(std::back_inserter(text_),
                 R"({{"type":"identify","messageId":"id-{0}","userId":"{0}","timestamp":"{1}","traits":{{)", id,
                 FormatTime(time));
  Property(words.country, kCountries[world_.draw().Below(std::size(kCountries), Purpose::kCountry, user)]);
  std::vector<std::string> topics, languages, communities;
  if (world_.draw().Uniform(Purpose::kCountry, user, 1) < kDeclaresTopics) {
    for (const int topic : traits.topics) topics.push_back(world_.TopicName(topic));
  }
  Texts(words.topics, topics);
  for (const int language : traits.languages) languages.push_back(World::LanguageName(language));
  Texts(words.languages, languages);
  if (traits.adult) Property(words.adult, true);
  for (const int community : traits.communities) communities.push_back(world_.CommunityName(community));
  if (!communities.empty()) Texts(words.communities, communities);
  End();
}

void Batch::AppOpen(const Session& session, Micros time) {
  const std::string& event = world_.options().app.opened;
  if (event.empty()) return;
  const std::string id = World::UserId(session.user);
  Begin(event, id, fmt::format("o-{}-{}", id, session.number), time);
  End();
}

void Batch::CreatePost(uint32_t post) {
  const ItemWords& words = world_.options().app.item;
  const Post& p = world_.posts()[post];
  const std::string id = World::PostId(post);
  Begin(words.made_by, World::UserId(p.author), "c-" + id, p.created_at);
  Property(words.id, id);
  Property(words.topic, world_.TopicName(p.topic));
  Property(words.length, p.text_length);
  Property(words.language, World::LanguageName(p.language));
  if (p.adult) Property(words.adult, true);
  if (p.community >= 0) Property(words.community, world_.CommunityName(p.community));
  End();
}

void Batch::Follow(uint32_t user, uint32_t author, Micros time) {
  const AppWords& app = world_.options().app;
  AboutAuthor(app.follow, app.follow_id, "f", user, author, time);
}

void Batch::AboutAuthor(std::string_view event, std::string_view id, std::string_view prefix, uint32_t user,
                        uint32_t author, Micros time) {
  const std::string user_id = World::UserId(user), author_id = World::UserId(author);
  Begin(event, user_id, fmt::format("{}-{}-{}", prefix, user_id, author_id), time);
  Property(id, author_id);
  End();
}

void Batch::AboutItem(std::string_view event, std::string_view prefix, const Shown& shown, Micros time) {
  const ItemWords& words = world_.options().app.item;
  const std::string user = World::UserId(shown.user), post = World::PostId(shown.post);
  Begin(event, user, fmt::format("{}-{}-{}-{}", prefix, user, post, shown.request_id), time);
  Property("request_id", shown.request_id);
  Property(words.id, post);
  Property(words.author, World::UserId(world_.posts()[shown.post].author));
  Property("position", shown.position);
  Property("scene", shown.scene);
}

void Batch::Impression(const Shown& shown, Micros time) {
  AboutItem(world_.options().app.shown, "s", shown, time);
  Property("source", shown.source);
  End();
}

void Batch::Actions(const Shown& shown, const Reaction& reaction, Micros time) {
  for (const Deed& deed : reaction.deeds) {
    const Behaviour& behaviour = world_.options().behaviours[deed.behaviour];
    const Micros at = time + static_cast<Micros>(deed.behaviour);
    if (behaviour.effect == Behaviour::Effect::kFollows) {
      Follow(shown.user, world_.posts()[shown.post].author, at);
    } else if (behaviour.about_author) {
      AboutAuthor(behaviour.event, behaviour.id, fmt::format("a{}", deed.behaviour), shown.user,
                  world_.posts()[shown.post].author, at);
    } else {
      AboutItem(behaviour.event, fmt::format("b{}", deed.behaviour), shown, at);
      if (!behaviour.value.empty()) Property(behaviour.value, deed.value);
      End();
    }
  }
}

std::string Batch::Take() {
  std::replace(text_.begin(), text_.end(), '\n', ',');
  std::string body = "{\"batch\":[" + text_ + "]}";
  text_.clear();
  count_ = 0;
  return body;
}

std::string Batch::TakeLines() {
  std::string lines = std::exchange(text_, "");
  if (count_ > 0) lines += '\n';
  count_ = 0;
  return lines;
}

}  // namespace feedmill::simulate
