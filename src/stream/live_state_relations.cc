// Edges between users, and what was withdrawn: learned of the past, written and read.
#include <algorithm>

#include "stream/live_state_internal.h"

namespace feedmill::stream {

using Hides = domain::Relation::Hides;

void LiveState::Parts::ApplyRelated(const StreamEvent& event) {
  const EntityHandle near = InternUser(event.user_id);
  const EntityHandle far = InternUser(event.target_user_id);
  for (const StreamEvent::Edge& edge : event.edges) {
    if (near == kNoEntity || far == kNoEntity) break;
    ChangeEdge(edge, near, far, event.time);
    if (!knows_history) changed_since.insert({edge.relation, near, far});
  }
  if (!event.deeds.empty()) ApplyActed(event);
}

// An edge that hides both ends stands with each of them, so that a feed looks at its own user alone.
void LiveState::Parts::ChangeEdge(const StreamEvent::Edge& edge, EntityHandle near, EntityHandle far, Micros time) {
  const Hides hides = domain->relations[edge.relation].hides;
  UserState& state = user_states->Mutable(near);
  (hides == Hides::kNothing ? state.follows : state.Hiding(edge.relation, false)).Change(far, edge.stands, time);
  if (hides == Hides::kBoth) user_states->Mutable(far).Hiding(edge.relation, true).Change(near, edge.stands, time);
}

Micros LiveState::Parts::ChangedAt(size_t relation, EntityHandle near, EntityHandle far) const {
  const UserState& state = user_states->Of(near);
  if (domain->relations[relation].hides == Hides::kNothing) return state.follows.ChangedAt(far);
  const Edges* edges = state.FindHiding(relation, false);
  return edges == nullptr ? 0 : edges->ChangedAt(far);
}

// Its ends may be new: an event that meant nothing named nobody.
void LiveState::Parts::LearnRelated(const StreamEvent& event) {
  const EntityHandle near = InternUser(event.user_id);
  const EntityHandle far = InternUser(event.target_user_id);
  if (near == kNoEntity || far == kNoEntity) return;
  for (const StreamEvent::Edge& edge : event.edges) {
    const bool is_of_then = ChangedAt(edge.relation, near, far) == event.time;
    if (is_of_then && changed_since.contains({edge.relation, near, far})) continue;
    ChangeEdge(edge, near, far, event.time);
  }
}

void LiveState::Parts::LearnWithdrawal(const StreamEvent& event) {
  const EntityHandle post = InternPost(event.post_id);
  if (post == kNoEntity) return;
  Withdrawal& withdrawal = withdrawals[post];
  const bool is_of_then = withdrawal.changed_at == event.time && withdrawn_since.contains(post);
  if (event.time < withdrawal.changed_at || is_of_then) return;
  withdrawal = {event.time, event.kind == StreamEvent::Kind::kPostWithdraw};
}

namespace {

struct PackedWithdrawal {
  EntityHandle post;
  uint32_t stands;
  Micros changed_at;
};

}  // namespace

// The events that the domain had for them, then the items that were, in the order of their handles.
void LiveState::Parts::WriteWithdrawals(BodyWriter* writer) const {
  writer->PutText(MeaningOfWithdrawals());
  std::vector<PackedWithdrawal> packed;
  for (const auto& [post, of] : withdrawals) packed.push_back({post, of.stands, of.changed_at});
  std::ranges::sort(packed, {}, &PackedWithdrawal::post);
  writer->PutArray(packed);
}

Status LiveState::Parts::ReadWithdrawals(BodyReader* body) {
  std::string_view meaning;
  std::vector<PackedWithdrawal> packed;
  FEEDMILL_TRY(body->GetText(&meaning));
  FEEDMILL_TRY(body->GetArray(&packed));
  const bool known = meaning == MeaningOfWithdrawals();
  if (!known && !domain->Shown().withdrawn_by.empty()) knows_history = false;
  for (const PackedWithdrawal& of : packed) {
    if (of.post >= posts.size())
      return Corrupt("body: a withdrawal of one of {} items that is not there", posts.size());
    if (known) withdrawals[of.post] = {of.changed_at, of.stands != 0};
  }
  return Ok();
}

std::string LiveState::Parts::MeaningOfWithdrawals() const {
  const domain::ItemKind& shown = domain->Shown();
  return fmt::format("id {} withdrawn_by {} restored_by {}", shown.id, shown.withdrawn_by, shown.restored_by);
}

void LiveState::Parts::WriteRelationNames(BodyWriter* writer) const {
  writer->Put(static_cast<uint32_t>(domain->relations.size()));
  for (const domain::Relation& relation : domain->relations) {
    writer->PutText(relation.Meaning());
    writer->Put(static_cast<uint32_t>(relation.hides));
  }
}

// A relation is known by what it means, whatever its name: of another meaning, its past is another one.
Result<StoredRelations> LiveState::Parts::ReadRelationNames(BodyReader* body) {
  uint32_t count = 0;
  FEEDMILL_TRY(body->Get(&count));
  if (count > domain::kRelationsMax) return Corrupt("body: {} relations; allowed: {}", count, domain::kRelationsMax);
  StoredRelations stored{.follows = false};
  std::vector<bool> known(domain->relations.size());
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view meaning;
    uint32_t hides = 0;
    FEEDMILL_TRY(body->GetText(&meaning));
    FEEDMILL_TRY(body->Get(&hides));
    if (hides > static_cast<uint32_t>(Hides::kBoth)) return Corrupt("body: a relation that hides {}", hides);
    StoredRelations::Relation& place = stored.places.emplace_back();
    for (size_t now = 0; now < known.size(); ++now) {
      const domain::Relation& relation = domain->relations[now];
      const bool is_followed = relation.hides == Hides::kNothing;
      if (is_followed != (hides == 0) || relation.Meaning() != meaning) continue;
      known[now] = hides >= static_cast<uint32_t>(relation.hides);
      if (is_followed) stored.follows = true;
      if (!is_followed) place = {static_cast<int>(now), relation.hides == Hides::kBoth};
    }
  }
  if (std::ranges::find(known, false) != known.end()) knows_history = false;
  return stored;
}

// One relation, which hid nothing, and no withdrawals.
StoredRelations LiveState::Parts::RelationsOfBefore() {
  const bool only_followed = std::ranges::all_of(
      domain->relations, [](const domain::Relation& relation) { return relation.hides == Hides::kNothing; });
  if (!only_followed || !domain->Shown().withdrawn_by.empty()) knows_history = false;
  return {.stored = false};
}

}  // namespace feedmill::stream
