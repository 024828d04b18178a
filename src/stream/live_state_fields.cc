// Declared fields of items and users: read from events, kept as words, written and read by name.
#include <algorithm>
#include <cstring>

#include "stream/live_state_internal.h"

namespace feedmill::stream {
namespace {

// Of a list of texts: their number, so that an empty list is something, then their handles, each once.
std::string BytesOf(const std::vector<EntityHandle>& texts) {
  std::vector<EntityHandle> once = {0};
  for (const EntityHandle text : texts) {
    if (std::find(once.begin() + 1, once.end(), text) == once.end()) once.push_back(text);
  }
  once.front() = static_cast<EntityHandle>(once.size() - 1);
  return {reinterpret_cast<const char*>(once.data()), once.size() * sizeof(EntityHandle)};
}

EntityHandle HandleAt(std::string_view bytes, size_t i) {
  EntityHandle handle = 0;
  std::memcpy(&handle, bytes.data() + i * sizeof(handle), sizeof(handle));
  return handle;
}

size_t HandleCount(std::string_view bytes) { return bytes.size() / sizeof(EntityHandle); }

}  // namespace

EntityHandle LiveState::Parts::InternValue(Interner* values, std::string_view text) {
  const bool is_full = topics.size() + lists.size() >= options.field_values_max;
  return is_full ? values->Find(text) : values->FindOrAdd(text);
}

FieldWord LiveState::Parts::WordOf(const StreamEvent::Said& said) {
  if (said.is_unset) return {};
  if (said.type == domain::FieldType::kNumber) return FieldWord::OfNumber(static_cast<float>(said.number));
  if (said.type == domain::FieldType::kBoolean) return FieldWord::OfBoolean(said.number != 0);
  if (said.type == domain::FieldType::kTime) return FieldWord::OfTime(static_cast<int64_t>(said.number));
  std::vector<EntityHandle> texts;
  for (const std::string& text : said.texts) {
    if (texts.size() == options.field_texts_max) break;
    if (const EntityHandle handle = InternValue(&topics, text); handle != kNoEntity) texts.push_back(handle);
  }
  EntityHandle handle = texts.empty() ? kNoEntity : texts.front();
  if (said.type == domain::FieldType::kTexts) handle = InternValue(&lists, BytesOf(texts));
  return handle == kNoEntity ? FieldWord() : FieldWord::OfHandle(handle);
}

void LiveState::Parts::SetPostFields(EntityHandle post, const StreamEvent& event) {
  if (post_fields.size() == 0) return;
  FieldWords words{};
  for (const StreamEvent::Said& said : event.fields) words[said.field] = WordOf(said);
  if (words != post_fields[post]) post_fields.Mutable(post) = words;
}

// An identify says what it says; what it leaves out stays.
void LiveState::Parts::TellFields(EntityHandle user, const StreamEvent& event) {
  for (const StreamEvent::Said& said : event.fields) {
    if (event.time < user_states->Of(user).ToldAt(said.field)) continue;
    user_states->Mutable(user).Tell({static_cast<uint32_t>(said.field), WordOf(said), event.time});
    if (!knows_history) told_since.insert({user, said.field});
  }
}

bool LiveState::KnowsHistory() const {
  parts_->lock.AssertShared();
  return parts_->knows_history;
}

void LiveState::SetKnowsHistory() {
  parts_->LockForWriting();
  parts_->knows_history = true;
  parts_->made_since.clear();
  parts_->told_since.clear();
  parts_->changed_since.clear();
  parts_->withdrawn_since.clear();
  parts_->lock.Unlock();
}

void LiveState::Learn(std::span<const Positioned> records) {
  for (size_t done = 0; done < records.size(); done += kLockedRecordsMax) {
    const auto some = records.subspan(done, std::min(kLockedRecordsMax, records.size() - done));
    parts_->events.resize(kLockedRecordsMax);
    for (size_t i = 0; i < some.size(); ++i) parts_->reader.Read(some[i].record, some[i].position, &parts_->events[i]);
    parts_->LockForWriting();
    for (size_t i = 0; i < some.size(); ++i) parts_->Learn(parts_->events[i]);
    parts_->Trim();
    parts_->lock.Unlock();
  }
}

// What is not known by now was left out when it was applied. Of one instant what comes later in the log counts: what
// was applied since the checkpoint, then what is learned last.
void LiveState::Parts::Learn(const StreamEvent& event) {
  using Kind = StreamEvent::Kind;
  if (event.kind == Kind::kRelated) return LearnRelated(event);
  if (event.kind == Kind::kPostWithdraw || event.kind == Kind::kPostRestore) return LearnWithdrawal(event);
  const EntityHandle user = event.user_id.empty() ? kNoEntity : users.Find(event.user_id);
  if (user == kNoEntity) return;
  if (event.kind == Kind::kIdentify) return LearnTold(user, event);
  if (event.kind != Kind::kPostCreate || event.post_id.empty()) return;
  const EntityHandle post = posts.Find(event.post_id);
  if (post == kNoEntity || post_infos[post].created_at == 0 || post_infos[post].author != user) return;
  if (event.time == post_infos[post].version_at && made_since.contains(post)) return;
  TakeVersion(post, event);
}

void LiveState::Parts::LearnTold(EntityHandle user, const StreamEvent& event) {
  for (const StreamEvent::Said& said : event.fields) {
    const bool is_of_then = user_states->Of(user).ToldAt(said.field) == event.time;
    if (is_of_then && told_since.contains({user, said.field})) continue;
    user_states->Mutable(user).Tell({static_cast<uint32_t>(said.field), WordOf(said), event.time});
  }
  if (event.time == user_states->Of(user).told_at && told_since.contains({user, domain::kFieldsMax})) return;
  TakeTopics(user, event);
}

FieldWord LiveState::PostField(EntityHandle post, size_t field) const {
  parts_->lock.AssertShared();
  return post < parts_->post_fields.size() ? parts_->post_fields[post][field] : FieldWord();
}

void LiveState::Parts::KeepBuckets() {
  for (auto topic = static_cast<EntityHandle>(topic_buckets.size()); topic < topics.size(); ++topic)
    topic_buckets.push_back(features::BucketOf(topics.Text(topic)));
}

void LiveState::FillBuckets(const features::FeatureSet& set, features::CandidateInput* candidate) const {
  parts_->lock.AssertShared();
  for (size_t i = 0; i < set.categories.size(); ++i) {
    EntityHandle text = candidate->topic;
    if (const int field = set.categories[i].field; field >= 0) {
      const FieldWord word = PostField(candidate->post, static_cast<size_t>(field));
      text = word.given() ? word.handle() : kNoEntity;
    }
    candidate->buckets[i] = text < parts_->topic_buckets.size() ? parts_->topic_buckets[text] : 0;
  }
}

void LiveState::PrefetchFields(EntityHandle post) const {
  parts_->lock.AssertShared();
  if (post < parts_->post_fields.size()) parts_->post_fields.Prefetch(post);
}

FieldWord LiveState::UserField(EntityHandle user, size_t field) const {
  parts_->lock.AssertShared();
  return parts_->user_states->Of(user).Field(field);
}

std::vector<EntityHandle> LiveState::TextsOf(FieldWord list) const {
  parts_->lock.AssertShared();
  std::vector<EntityHandle> texts;
  if (!list.given() || list.handle() >= parts_->lists.size()) return texts;
  const std::string_view bytes = parts_->lists.Text(list.handle());
  for (size_t i = 1; i < HandleCount(bytes); ++i) texts.push_back(HandleAt(bytes, i));
  return texts;
}

bool LiveState::ListHas(FieldWord list, EntityHandle text) const {
  parts_->lock.AssertShared();
  if (!list.given() || list.handle() >= parts_->lists.size()) return false;
  const std::string_view bytes = parts_->lists.Text(list.handle());
  for (size_t i = 1; i < HandleCount(bytes); ++i) {
    if (HandleAt(bytes, i) == text) return true;
  }
  return false;
}

void LiveState::Parts::WriteFieldNames(const domain::ItemKind& kind, BodyWriter* writer) {
  writer->Put(static_cast<uint32_t>(kind.fields.size()));
  for (const domain::Field& field : kind.fields) {
    writer->PutText(field.name);
    writer->Put(static_cast<uint32_t>(field.type));
  }
}

Result<StoredFields> LiveState::Parts::ReadFieldNames(const domain::ItemKind& kind, BodyReader* body) {
  uint32_t count = 0;
  FEEDMILL_TRY(body->Get(&count));
  if (count > domain::kFieldsMax) return Corrupt("body: {} fields; allowed: {}", count, domain::kFieldsMax);
  StoredFields stored;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    uint32_t type = 0;
    FEEDMILL_TRY(body->GetText(&name));
    FEEDMILL_TRY(body->Get(&type));
    if (type > static_cast<uint32_t>(domain::FieldType::kTime)) return Corrupt("body: a field of type {}", type);
    const domain::Field field{std::string(name), static_cast<domain::FieldType>(type)};
    const auto now = std::ranges::find(kind.fields, field);
    stored.places.push_back(now == kind.fields.end() ? -1 : static_cast<int>(now - kind.fields.begin()));
    stored.types.push_back(field.type);
  }
  return stored;
}

// `stored` has what the file has; fields that are new in the domain are not given until they are learned.
Status LiveState::Parts::ReadPostFields(BodyReader* body, const StoredFields& stored) {
  const auto& fields = domain->Shown().fields;
  for (size_t field = 0; field < fields.size(); ++field) {
    if (std::ranges::find(stored.places, static_cast<int>(field)) == stored.places.end()) knows_history = false;
  }
  if (!fields.empty()) post_fields.Resize(posts.size());
  if (!stored.stored) return Ok();
  std::string_view bytes;
  FEEDMILL_TRY(body->GetArrayBytes(sizeof(FieldWords), &bytes));
  const size_t count = bytes.size() / sizeof(FieldWords);
  if (count != (stored.places.empty() ? 0 : posts.size()))
    return Corrupt("body: fields of {} posts; {} posts with {} fields", count, posts.size(), stored.places.size());
  const HandleLimits limits = Limits();
  for (size_t post = 0; post < count; ++post) {
    FieldWords read, words{};
    std::memcpy(&read, bytes.data() + post * sizeof(FieldWords), sizeof(FieldWords));
    for (size_t place = 0; place < stored.places.size(); ++place) {
      FEEDMILL_TRY(stored.Check(place, read[place], limits));
      if (stored.places[place] >= 0) words[static_cast<size_t>(stored.places[place])] = read[place];
    }
    if (words != FieldWords{}) post_fields.Mutable(post) = words;
    if (post % kReadBetweenTrims == 0) Trim();
  }
  return Ok();
}

}  // namespace feedmill::stream
