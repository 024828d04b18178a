#include "stream/supposition.h"

#include <algorithm>

#include "stream/stream_event_internal.h"

namespace feedmill::stream {
namespace {

EntityHandle AuthorOf(const LiveState& state, const StreamEvent& event, EntityHandle post, EntityHandle target) {
  if (post != kNoEntity && state.Post(post).created_at != 0) return state.Post(post).author;
  const EntityHandle stated = event.author_id.empty() ? kNoEntity : state.FindUser(event.author_id);
  return stated != kNoEntity ? stated : target;
}

// As LiveState applies actions, without the counters.
void SupposeActed(const LiveState& state, const StreamEvent& event, Supposition* supposed) {
  const EntityHandle post = event.post_id.empty() ? kNoEntity : state.FindPost(event.post_id);
  const EntityHandle target = event.target_user_id.empty() ? kNoEntity : state.FindUser(event.target_user_id);
  for (const StreamEvent::Deed& deed : event.deeds) {
    const domain::Action& action = features::ActionOf(*state.domain(), deed.action);
    if (action.seen && post != kNoEntity) supposed->seen_posts.push_back(post);
    if (action.IsOutcome() && (post != kNoEntity || target != kNoEntity)) {
      supposed->actions.insert(supposed->actions.begin(),
                               {post, AuthorOf(state, event, post, target), deed.action, event.time});
    }
    if (action.hides_item && post != kNoEntity) supposed->hidden_posts.push_back(post);
    if (action.hides_author && target != kNoEntity) supposed->hidden_authors.push_back(target);
  }
}

void SupposeRelated(const LiveState& state, const StreamEvent& event, Supposition* supposed) {
  const EntityHandle target = event.target_user_id.empty() ? kNoEntity : state.FindUser(event.target_user_id);
  for (const StreamEvent::Edge& edge : event.edges) {
    if (target == kNoEntity) break;
    const bool hides = state.domain()->relations[edge.relation].hides != domain::Relation::Hides::kNothing;
    if (!hides) supposed->follows[target] = edge.stands;
    if (hides && edge.stands) supposed->hidden_by_relation.insert({edge.relation, target});
    if (hides && !edge.stands) supposed->hidden_by_relation.erase({edge.relation, target});
  }
  SupposeActed(state, event, supposed);
}

void SupposeIdentify(const LiveState& state, const StreamEvent& event, Supposition* supposed) {
  for (const StreamEvent::Said& said : event.fields) {
    SupposedField& field = supposed->told_fields[said.field];
    field = {!said.is_unset, said.number, {}};
    for (const std::string& text : said.texts) field.texts.push_back(state.FindTopic(text));
  }
  if (!event.topics) return;
  supposed->told_topics.emplace();
  for (const std::string& name : *event.topics) {
    const EntityHandle topic = name.empty() ? kNoEntity : state.FindTopic(name);
    if (topic != kNoEntity) supposed->told_topics->push_back(topic);
  }
}

}  // namespace

Supposition Suppose(const LiveState& state, std::span<const LogRecord> events) {
  using Kind = StreamEvent::Kind;
  Supposition supposed;
  StreamEventReader reader(state.domain());
  StreamEvent event;
  for (const LogRecord& record : events) {
    reader.Read(record, {}, &event);
    if (event.kind == Kind::kActed) SupposeActed(state, event, &supposed);
    if (event.kind == Kind::kRelated) SupposeRelated(state, event, &supposed);
    if (event.kind == Kind::kIdentify) SupposeIdentify(state, event, &supposed);
  }
  return supposed;
}

}  // namespace feedmill::stream
