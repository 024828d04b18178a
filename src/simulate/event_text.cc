#include "simulate/event_text.h"

#include <algorithm>
#include <iterator>
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
  fmt::format_to(std::back_inserter(text_),
                 R"({{"type":"track","event":"{}","messageId":"{}","userId":"{}","timestamp":"{}","properties":{{)",
                 event, message_id, user_id, FormatTime(time));
}

void Batch::Register(uint32_t user, Micros time) {
  const std::string id = World::UserId(user);
  const auto country = world_.draw().Below(std::size(kCountries), Purpose::kCountry, user);
  std::string topics;
  if (world_.draw().Uniform(Purpose::kCountry, user, 1) < kDeclaresTopics) {
    for (int topic : world_.user(user).topics) {
      fmt::format_to(std::back_inserter(topics), "{}\"{}\"", topics.empty() ? "" : ",", world_.TopicName(topic));
    }
  }
  Next();
  fmt::format_to(
      std::back_inserter(text_),
      R"({{"type":"identify","messageId":"id-{0}","userId":"{0}","timestamp":"{1}","traits":{{"country":"{2}","topics":[{3}]}}}})",
      id, FormatTime(time), kCountries[country], topics);
}

void Batch::AppOpen(const Session& session, Micros time) {
  const std::string id = World::UserId(session.user);
  Begin("app_open", id, fmt::format("o-{}-{}", id, session.number), time);
  End();
}

void Batch::CreatePost(uint32_t post) {
  const Post& p = world_.posts()[post];
  const std::string id = World::PostId(post);
  Begin("post_create", World::UserId(p.author), "c-" + id, p.created_at);
  fmt::format_to(std::back_inserter(text_), R"("post_id":"{}","topic":"{}","text_length":{},"lang":"en")", id,
                 world_.TopicName(p.topic), p.text_length);
  End();
}

void Batch::Follow(uint32_t user, uint32_t author, Micros time) {
  const std::string id = World::UserId(user);
  const std::string target = World::UserId(author);
  Begin("follow", id, fmt::format("f-{}-{}", id, target), time);
  fmt::format_to(std::back_inserter(text_), R"("target_user_id":"{}")", target);
  End();
}

void Batch::Action(std::string_view event, const Shown& shown, Micros time, std::string_view more) {
  const std::string user = World::UserId(shown.user);
  const std::string post = World::PostId(shown.post);
  Begin(event, user, fmt::format("{}-{}-{}-{}", event, user, post, shown.request_id), time);
  fmt::format_to(std::back_inserter(text_),
                 R"("request_id":"{}","post_id":"{}","author_id":"{}","position":{},"scene":"{}"{})", shown.request_id,
                 post, World::UserId(world_.posts()[shown.post].author), shown.position, shown.scene, more);
  End();
}

void Batch::Impression(const Shown& shown, Micros time) {
  Action("feed_impression", shown, time, fmt::format(R"(,"source":"{}")", shown.source));
}

void Batch::Actions(const Shown& shown, const Reaction& reaction, Micros time) {
  if (reaction.hide) {
    const std::string user = World::UserId(shown.user);
    const std::string post = World::PostId(shown.post);
    Begin("hide", user, fmt::format("hide-{}-{}", user, post), time);
    fmt::format_to(std::back_inserter(text_), R"("post_id":"{}")", post);
    End();
  }
  if (!reaction.click) return;
  Action("post_click", shown, time, "");
  Action("dwell", shown, time + 1, fmt::format(R"(,"dwell_ms":{})", reaction.dwell_ms));
  if (reaction.like) Action("like", shown, time + 2, "");
  if (reaction.comment) Action("comment", shown, time + 3, "");
  if (reaction.share) Action("share", shown, time + 4, "");
  if (reaction.follow) Follow(shown.user, world_.posts()[shown.post].author, time + 5);
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
