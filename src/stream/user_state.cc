#include <algorithm>

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

void FollowEdges::Change(EntityHandle author, bool follows, Micros time) {
  auto edge = std::ranges::lower_bound(edges_, author, {}, &Edge::author);
  if (edge == edges_.end() || edge->author != author) {
    edges_.insert(edge, {author, follows, time});
  } else if (time >= edge->changed) {
    edge->follows = follows;
    edge->changed = time;
  } else {
    return;
  }
  const auto place = std::ranges::lower_bound(followees_, author);
  const bool is_there = place != followees_.end() && *place == author;
  if (follows && !is_there) followees_.insert(place, author);
  if (!follows && is_there) followees_.erase(place);
}

bool FollowEdges::Follows(EntityHandle author) const { return std::ranges::binary_search(followees_, author); }

void FollowEdges::Write(BodyWriter* writer) const { writer->PutArray(edges_); }

Status FollowEdges::Read(BodyReader* reader, size_t user_count) {
  const size_t at = reader->at();
  FEEDMILL_TRY(reader->GetArray(&edges_));
  for (size_t i = 0; i < edges_.size(); ++i) {
    if (edges_[i].author >= user_count || (i > 0 && edges_[i].author <= edges_[i - 1].author)) {
      return Corrupt("body: follow edges at byte {}: edge {} is out of order or range", at, i);
    }
    if (edges_[i].follows != 0) followees_.push_back(edges_[i].author);
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
         recent_posts.empty() && told_topics.empty() && told_at == 0 && told_fields.empty();
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

Status UserState::ReadFields(BodyReader* body, const HandleLimits& limits, const StoredFields& stored) {
  std::vector<ToldField> read;
  FEEDMILL_TRY(body->GetArray(&read));
  for (ToldField& told : read) {
    FEEDMILL_TRY(stored.Check(told.field, told.word, limits));
    if (stored.places[told.field] < 0) continue;
    told.field = static_cast<uint32_t>(stored.places[told.field]);
    told_fields.push_back(told);
  }
  return Ok();
}

Status UserState::Read(BodyReader* body, const HandleLimits& limits, const StoredActions& stored,
                       const StoredFields* fields, const LiveStateOptions& options) {
  std::vector<EntityHandle> posts_seen;
  FEEDMILL_TRY(follows.Read(body, limits.users));
  FEEDMILL_TRY(body->GetArray(&posts_seen));
  FEEDMILL_TRY(CheckHandles(posts_seen, limits.posts, "seen posts"));
  for (const EntityHandle post : posts_seen) seen.Add(post, static_cast<size_t>(options.seen_max));
  FEEDMILL_TRY(actions.Read(body, stored, static_cast<size_t>(options.last_actions_max)));
  FEEDMILL_TRY(body->GetArray(&hidden_posts));
  FEEDMILL_TRY(CheckHandles(hidden_posts, limits.posts, "hidden posts"));
  FEEDMILL_TRY(body->GetArray(&hidden_authors));
  FEEDMILL_TRY(CheckHandles(hidden_authors, limits.users, "hidden authors"));
  FEEDMILL_TRY(body->GetArray(&recent_posts));
  FEEDMILL_TRY(CheckHandles(recent_posts, limits.posts, "recent posts"));
  FEEDMILL_TRY(body->GetArray(&told_topics));
  FEEDMILL_TRY(CheckHandles(told_topics, limits.topics, "told topics"));
  FEEDMILL_TRY(body->Get(&told_at));
  if (fields == nullptr) return body->GetArray(&told_fields);
  return fields->stored ? ReadFields(body, limits, *fields) : Ok();
}

uint64_t UserState::MemoryBytes() const {
  const size_t handles =
      hidden_posts.capacity() + hidden_authors.capacity() + recent_posts.capacity() + told_topics.capacity();
  return sizeof(UserState) + follows.MemoryBytes() + seen.MemoryBytes() + actions.MemoryBytes() +
         handles * sizeof(EntityHandle) + told_fields.capacity() * sizeof(ToldField);
}

void InsertSorted(EntityHandle handle, std::vector<EntityHandle>* sorted) {
  const auto place = std::ranges::lower_bound(*sorted, handle);
  if (place == sorted->end() || *place != handle) sorted->insert(place, handle);
}

}  // namespace feedmill::stream
