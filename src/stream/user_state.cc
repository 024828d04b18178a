#include <algorithm>

#include "base/prefetch.h"
#include "base/random.h"
#include "stream/user_state_internal.h"

namespace feedmill::stream {
namespace {

constexpr size_t kSearchedMax = 16;  // so many handles are one cache line: searched, not hashed

size_t PlaceOf(EntityHandle post, size_t mask) { return Mix64(post) & mask; }

}  // namespace

bool SeenSet::Contains(EntityHandle post) const {
  if (slots_.empty()) return std::ranges::find(ring_, post) != ring_.end();
  const size_t mask = slots_.size() - 1;
  for (size_t i = PlaceOf(post, mask); slots_[i] != 0; i = (i + 1) & mask) {
    if (slots_[i] == post + 1) return true;
  }
  return false;
}

void SeenSet::Add(EntityHandle post, size_t max) {
  if (max == 0 || Contains(post)) return;
  if (ring_.size() < max) {
    ring_.push_back(post);
  } else {
    if (!slots_.empty()) EraseSlot(ring_[oldest_]);
    ring_[oldest_] = post;
    oldest_ = (oldest_ + 1) % ring_.size();
  }
  if (ring_.size() <= kSearchedMax) return;
  if (ring_.size() * 3 > slots_.size() * 2) {
    Rebuild(std::max<size_t>(kSearchedMax * 2, slots_.size() * 2));
  } else {
    InsertSlot(post);
  }
}

void SeenSet::Prefetch(EntityHandle post) const {
  feedmill::Prefetch(ring_.data() + oldest_);
  if (slots_.empty()) return;
  feedmill::Prefetch(ring_.data() + ring_.size());
  feedmill::Prefetch(&slots_[PlaceOf(post, slots_.size() - 1)]);
}

void SeenSet::InsertSlot(EntityHandle post) {
  const size_t mask = slots_.size() - 1;
  size_t i = PlaceOf(post, mask);
  while (slots_[i] != 0) i = (i + 1) & mask;
  slots_[i] = post + 1;
}

// Moves later ones of the run back, so that no lookup meets a hole (Knuth, volume 3, 6.4, algorithm R).
void SeenSet::EraseSlot(EntityHandle post) {
  const size_t mask = slots_.size() - 1;
  size_t hole = PlaceOf(post, mask);
  while (slots_[hole] != post + 1) hole = (hole + 1) & mask;
  for (size_t i = (hole + 1) & mask; slots_[i] != 0; i = (i + 1) & mask) {
    const size_t home = PlaceOf(slots_[i] - 1, mask);
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    slots_[hole] = slots_[i];
    hole = i;
  }
  slots_[hole] = 0;
}

void SeenSet::Rebuild(size_t slots) {
  slots_.assign(slots, 0);
  for (const EntityHandle post : ring_) InsertSlot(post);
}

std::vector<EntityHandle> SeenSet::InOrder() const {
  std::vector<EntityHandle> order(ring_.begin() + static_cast<ptrdiff_t>(oldest_), ring_.end());
  order.insert(order.end(), ring_.begin(), ring_.begin() + static_cast<ptrdiff_t>(oldest_));
  return order;
}

void Edges::Change(EntityHandle end, bool stands, Micros time) {
  auto edge = std::ranges::lower_bound(edges_, end, {}, &Edge::end);
  if (edge == edges_.end() || edge->end != end) {
    edges_.insert(edge, {end, stands, time});
  } else if (time >= edge->changed) {
    edge->stands = stands;
    edge->changed = time;
  } else {
    return;
  }
  const auto place = std::ranges::lower_bound(ends_, end);
  const bool is_there = place != ends_.end() && *place == end;
  if (stands && !is_there) ends_.insert(place, end);
  if (!stands && is_there) ends_.erase(place);
}

bool Edges::Has(EntityHandle end) const { return std::ranges::binary_search(ends_, end); }

Micros Edges::ChangedAt(EntityHandle end) const {
  const auto edge = std::ranges::lower_bound(edges_, end, {}, &Edge::end);
  return edge == edges_.end() || edge->end != end ? 0 : edge->changed;
}

void Edges::Write(BodyWriter* writer) const { writer->PutArray(edges_); }

Status Edges::Read(BodyReader* reader, size_t user_count) {
  const size_t at = reader->at();
  FEEDMILL_TRY(reader->GetArray(&edges_));
  for (size_t i = 0; i < edges_.size(); ++i) {
    if (edges_[i].end >= user_count || (i > 0 && edges_[i].end <= edges_[i - 1].end)) {
      return Corrupt("body: edges at byte {}: edge {} is out of order or range", at, i);
    }
    if (edges_[i].stands != 0) ends_.push_back(edges_[i].end);
  }
  return Ok();
}

void ActionRing::Add(const LastAction& action, size_t max) {
  if (max == 0) return;
  const Packed packed{action.post, action.author,
                      static_cast<uint64_t>(action.time) * domain::kActionsMax + static_cast<uint64_t>(action.action)};
  if (ring_.size() < max) {
    ring_.push_back(packed);
  } else {
    ring_[oldest_] = packed;
    oldest_ = (oldest_ + 1) % ring_.size();
  }
}

void ActionRing::Prefetch() const {
  feedmill::Prefetch(ring_.data() + oldest_);
  feedmill::Prefetch(ring_.data() + ring_.size());
}

LastAction ActionRing::Unpack(const Packed& packed) {
  return {packed.post, packed.author, static_cast<features::Action>(packed.time_and_action % domain::kActionsMax),
          static_cast<Micros>(packed.time_and_action / domain::kActionsMax)};
}

std::vector<LastAction> ActionRing::NewestFirst() const {
  std::vector<LastAction> actions;
  actions.reserve(ring_.size());
  for (size_t i = ring_.size(); i > 0; --i) actions.push_back(Unpack(ring_[(oldest_ + i - 1) % ring_.size()]));
  return actions;
}

void ActionRing::Write(BodyWriter* writer) const {
  std::vector<Packed> ordered(ring_.begin() + static_cast<ptrdiff_t>(oldest_), ring_.end());
  ordered.insert(ordered.end(), ring_.begin(), ring_.begin() + static_cast<ptrdiff_t>(oldest_));
  writer->PutArray(ordered);
}

std::optional<features::Action> StoredActions::Find(uint64_t number) const {
  if (places.empty()) return static_cast<features::Action>(number);
  if (number >= places.size() || places[number] < 0) return std::nullopt;
  return static_cast<features::Action>(places[number]);
}

Status ActionRing::Read(BodyReader* reader, const StoredActions& stored, size_t max) {
  std::vector<Packed> ordered;
  FEEDMILL_TRY(reader->GetArray(&ordered));
  for (const Packed& packed : ordered) {
    const auto action = stored.Find(packed.time_and_action % stored.stride);
    const auto time = static_cast<Micros>(packed.time_and_action / stored.stride);
    if (action) Add({packed.post, packed.author, *action, time}, max);
  }
  return Ok();
}

namespace {

Status CheckHandles(const std::vector<EntityHandle>& handles, size_t count, std::string_view what) {
  if (std::ranges::all_of(handles, [count](EntityHandle handle) { return handle < count; })) return Ok();
  return Corrupt("body: {} name one of {} that is not there", what, count);
}

}  // namespace

bool UserState::IsEmpty() const {
  return follows.empty() && seen.empty() && actions.size() == 0 && hidden_posts.empty() && hidden_authors.empty() &&
         recent_posts.empty() && told_topics.empty() && told_at == 0 && told_fields.empty() && hiding.empty();
}

void UserState::Write(BodyWriter* writer) const {
  follows.Write(writer);
  writer->PutArray(seen.InOrder());
  actions.Write(writer);
  writer->PutArray(hidden_posts);
  writer->PutArray(hidden_authors);
  writer->PutArray(recent_posts);
  writer->PutArray(told_topics);
  writer->Put(told_at);
  writer->PutArray(told_fields);
  writer->Put(static_cast<uint32_t>(hiding.size()));
  for (const HidingEdges& of : hiding) {
    writer->Put(of.relation);
    writer->Put(of.is_far);
    of.edges.Write(writer);
  }
}

Edges& UserState::Hiding(size_t relation, bool is_far) {
  for (HidingEdges& of : hiding) {
    if (of.relation == relation && (of.is_far != 0) == is_far) return of.edges;
  }
  hiding.push_back({static_cast<uint32_t>(relation), is_far ? 1U : 0U, {}});
  return hiding.back().edges;
}

const Edges* UserState::FindHiding(size_t relation, bool is_far) const {
  for (const HidingEdges& of : hiding) {
    if (of.relation == relation && (of.is_far != 0) == is_far) return &of.edges;
  }
  return nullptr;
}

bool UserState::HidesAuthor(EntityHandle author) const {
  return std::ranges::binary_search(hidden_authors, author) ||
         std::ranges::any_of(hiding, [author](const HidingEdges& of) { return of.edges.Has(author); });
}

FieldWord UserState::Field(size_t field) const {
  const auto told = std::ranges::find(told_fields, field, &ToldField::field);
  return told == told_fields.end() ? FieldWord() : told->word;
}

Micros UserState::ToldAt(size_t field) const {
  const auto told = std::ranges::find(told_fields, field, &ToldField::field);
  return told == told_fields.end() ? 0 : told->at;
}

void UserState::Tell(const ToldField& told) {
  const auto known = std::ranges::find(told_fields, told.field, &ToldField::field);
  if (known == told_fields.end()) return told_fields.push_back(told);
  if (told.at >= known->at) *known = told;
}

Status StoredFields::Check(size_t place, FieldWord word, const HandleLimits& limits) const {
  if (place >= places.size()) return Corrupt("body: a value of field {} of {}", place, places.size());
  const bool is_text = types[place] == domain::FieldType::kText, is_list = types[place] == domain::FieldType::kTexts;
  if (!word.given() || (!is_text && !is_list) || word.handle() < (is_text ? limits.topics : limits.lists)) return Ok();
  return Corrupt("body: a field names a text that is not there");
}

Status UserState::ReadFields(BodyReader* body, const HandleLimits& limits, const StoredFields* stored) {
  if (stored == nullptr) return body->GetArray(&told_fields);
  if (!stored->stored) return Ok();
  std::vector<ToldField> read;
  FEEDMILL_TRY(body->GetArray(&read));
  for (ToldField& told : read) {
    FEEDMILL_TRY(stored->Check(told.field, told.word, limits));
    if (stored->places[told.field] < 0) continue;
    told.field = static_cast<uint32_t>(stored->places[told.field]);
    told_fields.push_back(told);
  }
  return Ok();
}

Status UserState::ReadHiding(BodyReader* body, const HandleLimits& limits, const StoredRelations* stored) {
  if (stored != nullptr && !stored->stored) return Ok();
  uint32_t count = 0;
  FEEDMILL_TRY(body->Get(&count));
  if (count > 2 * domain::kRelationsMax) return Corrupt("body: edges of {} relations", count);
  for (uint32_t i = 0; i < count; ++i) {
    HidingEdges of;
    FEEDMILL_TRY(body->Get(&of.relation));
    FEEDMILL_TRY(body->Get(&of.is_far));
    FEEDMILL_TRY(of.edges.Read(body, limits.users));
    if (stored != nullptr) {
      if (of.relation >= stored->places.size())
        return Corrupt("body: an edge of relation {} of {}", of.relation, stored->places.size());
      const StoredRelations::Relation now = stored->places[of.relation];
      if (now.place < 0 || (of.is_far != 0 && !now.of_far)) continue;
      of.relation = static_cast<uint32_t>(now.place);
    }
    hiding.push_back(std::move(of));
  }
  return Ok();
}

Status UserState::Read(BodyReader* body, const HandleLimits& limits, const StoredNames* stored,
                       const LiveStateOptions& options) {
  std::vector<EntityHandle> posts_seen;
  FEEDMILL_TRY(follows.Read(body, limits.users));
  if (stored != nullptr && !stored->relations.follows) follows = {};
  FEEDMILL_TRY(body->GetArray(&posts_seen));
  FEEDMILL_TRY(CheckHandles(posts_seen, limits.posts, "seen posts"));
  for (const EntityHandle post : posts_seen) seen.Add(post, static_cast<size_t>(options.seen_max));
  FEEDMILL_TRY(actions.Read(body, stored == nullptr ? StoredActions() : stored->actions,
                            static_cast<size_t>(options.last_actions_max)));
  FEEDMILL_TRY(body->GetArray(&hidden_posts));
  FEEDMILL_TRY(CheckHandles(hidden_posts, limits.posts, "hidden posts"));
  FEEDMILL_TRY(body->GetArray(&hidden_authors));
  FEEDMILL_TRY(CheckHandles(hidden_authors, limits.users, "hidden authors"));
  FEEDMILL_TRY(body->GetArray(&recent_posts));
  FEEDMILL_TRY(CheckHandles(recent_posts, limits.posts, "recent posts"));
  FEEDMILL_TRY(body->GetArray(&told_topics));
  FEEDMILL_TRY(CheckHandles(told_topics, limits.topics, "told topics"));
  FEEDMILL_TRY(body->Get(&told_at));
  FEEDMILL_TRY(ReadFields(body, limits, stored == nullptr ? nullptr : &stored->fields));
  return ReadHiding(body, limits, stored == nullptr ? nullptr : &stored->relations);
}

uint64_t UserState::MemoryBytes() const {
  const size_t handles =
      hidden_posts.capacity() + hidden_authors.capacity() + recent_posts.capacity() + told_topics.capacity();
  size_t of_edges = hiding.capacity() * sizeof(HidingEdges);
  for (const HidingEdges& of : hiding) of_edges += of.edges.MemoryBytes();
  return sizeof(UserState) + of_edges + follows.MemoryBytes() + seen.MemoryBytes() + actions.MemoryBytes() +
         handles * sizeof(EntityHandle) + told_fields.capacity() * sizeof(ToldField);
}

void InsertSorted(EntityHandle handle, std::vector<EntityHandle>* sorted) {
  const auto place = std::ranges::lower_bound(*sorted, handle);
  if (place == sorted->end() || *place != handle) sorted->insert(place, handle);
}

}  // namespace feedmill::stream
