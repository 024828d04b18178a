#include "features/counter_table.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/prefetch.h"
#include "features/counter_rows_internal.h"
#include "features/decay_internal.h"

namespace feedmill::features {
namespace {

// A row is referred to a newer base when its sums would otherwise grow by more than 2^64 (rounding stays at 1e-14).
constexpr double kRebaseHalfLives = 64;
constexpr size_t kHalfLivesMax = 8;
constexpr Micros kLateMax = 7 * kMicrosPerDay;         // a forgotten pair stays this long in checkpoints
constexpr uint64_t kMagic = 0x33544e4354464d46;        // "FMFTCNT3"
constexpr uint64_t kFormerMagic = 0x32544e4354464d46;  // "FMFTCNT2": actions by their places in the legacy domain

bool IsPair(CounterKey key) { return key == CounterKey::kUserAuthor || key == CounterKey::kUserTopic; }

uint64_t KeyOf(CounterKey key, EntityHandle first, EntityHandle second) {
  return static_cast<uint64_t>(first) << 32 | (IsPair(key) ? second : 0);
}

// The handles of an action that make up a key.
std::pair<EntityHandle, EntityHandle> HandlesOf(CounterKey key, const CountedAction& action) {
  switch (key) {
    case CounterKey::kUser:
      return {action.user, 0};
    case CounterKey::kPost:
      return {action.post, 0};
    case CounterKey::kAuthor:
      return {action.author, 0};
    case CounterKey::kUserAuthor:
      return {action.user, action.author};
    case CounterKey::kUserTopic:
      return {action.user, action.topic};
  }
  return {kNoEntity, kNoEntity};
}

// The counters of one kind of key.
struct KeyLayout {
  std::vector<uint8_t> half_life;                                 // per counter: which of the table's half-lives
  std::array<std::vector<uint16_t>, domain::kActionsMax> places;  // per action: the counters it adds to
};

using Factors = std::array<double, kHalfLivesMax>;

}  // namespace

struct CounterTable::Rows {
  std::vector<CounterDefinition> definitions;
  domain::DomainPtr domain;
  std::vector<int> place;  // per counter of the set: its place in the rows of its key
  std::vector<Micros> half_lives;
  std::array<double, kHalfLivesMax> per_micro{};  // 1 / half-life
  Micros rebase_after = 0;
  Micros pair_memory = 0;
  Micros newest = 0;
  std::array<KeyLayout, kCounterKeyCount> layouts;
  std::vector<CounterRows> by_key;

  Rows(const FeatureSet& set, BoundedMemory* memory);
  // 2^(delta / half-life) for every half-life of the table.
  void Decay(Micros delta, Factors* factors) const {
    const auto x = static_cast<double>(delta);
    for (size_t i = 0; i < half_lives.size(); i += 4) {
      const Four power = Exp2(Four{per_micro[i], per_micro[i + 1], per_micro[i + 2], per_micro[i + 3]} * x);
      std::memcpy(&(*factors)[i], &power, sizeof power);
    }
  }
  void Rebase(const KeyLayout& layout, Micros base, CounterRow* row) const;
  // What a checkpoint begins with. Actions by their names, so that places may move in the domain.
  std::string Head(uint64_t magic) const;
  Micros AsOf(Micros time) const { return std::max(time, newest + 1); }
  bool Forgotten(CounterKey key, const CounterRow& row, Micros as_of) const {
    return IsPair(key) && as_of - row.last > pair_memory;
  }
  // Null when never seen or forgotten.
  const CounterRow* Remembered(CounterKey key, const CounterRow* row, Micros as_of) const {
    return row == nullptr || Forgotten(key, *row, as_of) ? nullptr : row;
  }
  bool Takes(CounterKey key, Micros time, CounterRow* row) const;
  void Add(CounterKey key, const CountedAction& action);
  const CounterRows& of(CounterKey key) const { return by_key[static_cast<size_t>(key)]; }
  // Calls do_with(const CounterRows&, uint64_t key) for each key that the action counts for.
  template <typename DoWith>
  void ForKeysOf(const CountedAction& action, DoWith do_with) const {
    for (int i = 0; i < kCounterKeyCount; ++i) {
      const auto key = static_cast<CounterKey>(i);
      const auto [first, second] = HandlesOf(key, action);
      if (first != kNoEntity && second != kNoEntity) do_with(of(key), KeyOf(key, first, second));
    }
  }
};

std::string CounterTable::Rows::Head(uint64_t magic) const {
  std::string head;
  const auto put = [&head](auto value) { head.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(magic);
  put(newest);
  put(pair_memory);
  put(static_cast<uint32_t>(definitions.size()));
  for (const CounterDefinition& definition : definitions) {
    const std::string& name = ActionOf(*domain, definition.action).name;
    put(definition.key);
    if (magic == kFormerMagic) {
      const domain::Domain& legacy = *domain::LegacyDomain();
      put(static_cast<uint8_t>(std::ranges::find(legacy.actions, name, &domain::Action::name) -
                               legacy.actions.begin()));
    } else {
      put(Hash64(name));
    }
    put(definition.half_life);
  }
  return head;
}

CounterTable::Rows::Rows(const FeatureSet& set, BoundedMemory* memory)
    : definitions(set.counters), domain(set.domain), pair_memory(set.pair_memory_days * kMicrosPerDay) {
  for (const CounterDefinition& definition : definitions) {
    auto found = std::ranges::find(half_lives, definition.half_life);
    if (found == half_lives.end()) found = half_lives.insert(found, definition.half_life);
    KeyLayout& layout = layouts[static_cast<size_t>(definition.key)];
    place.push_back(static_cast<int>(layout.half_life.size()));
    layout.places[static_cast<size_t>(definition.action)].push_back(static_cast<uint16_t>(layout.half_life.size()));
    layout.half_life.push_back(static_cast<uint8_t>(found - half_lives.begin()));
  }
  for (size_t i = 0; i < half_lives.size(); ++i) per_micro[i] = 1.0 / static_cast<double>(half_lives[i]);
  const Micros shortest = half_lives.empty() ? kMicrosPerHour : *std::ranges::min_element(half_lives);
  rebase_after = static_cast<Micros>(kRebaseHalfLives * static_cast<double>(shortest));
  for (int key = 0; key < kCounterKeyCount; ++key) {
    by_key.emplace_back(IsPair(static_cast<CounterKey>(key)), layouts[key].half_life.size(), memory);
  }
}

void CounterTable::Rows::Rebase(const KeyLayout& layout, Micros base, CounterRow* row) const {
  Factors factors;
  Decay(row->base - base, &factors);
  for (size_t i = 0; i < layout.half_life.size(); ++i) row->sums[i] *= factors[layout.half_life[i]];
  row->base = base;
}

// Whether an action of `time` counts in this row. One after a pause too long to remember across starts a pair's row
// anew; one from before such a pause is forgotten already.
bool CounterTable::Rows::Takes(CounterKey key, Micros time, CounterRow* row) const {
  const bool is_new = row->last == 0;
  if (!is_new && !Forgotten(key, *row, time)) return !IsPair(key) || row->last - time <= pair_memory;
  std::ranges::fill(std::span(row->sums, layouts[static_cast<size_t>(key)].half_life.size()), 0);
  row->last = row->base = time;
  return true;
}

void CounterTable::Rows::Add(CounterKey key, const CountedAction& action) {
  const auto [first, second] = HandlesOf(key, action);
  const KeyLayout& layout = layouts[static_cast<size_t>(key)];
  if (first == kNoEntity || second == kNoEntity || layout.half_life.empty()) return;
  CounterRows& rows = by_key[static_cast<size_t>(key)];
  CounterRow* row = rows.Row(rows.FindOrAdd(KeyOf(key, first, second)));
  if (!Takes(key, action.time, row)) return;
  if (action.time - row->base > rebase_after) Rebase(layout, action.time, row);
  row->last = std::max(row->last, action.time);
  const auto& places = layout.places[static_cast<size_t>(action.action)];
  if (places.empty()) return;
  Factors factors;
  Decay(action.time - row->base, &factors);
  for (const uint16_t place_in_row : places)
    row->sums[place_in_row] += action.weight * factors[layout.half_life[place_in_row]];
}

CounterTable::CounterTable(const FeatureSet& set, BoundedMemory* memory) : rows_(std::make_unique<Rows>(set, memory)) {}
CounterTable::~CounterTable() = default;
CounterTable::CounterTable(CounterTable&&) noexcept = default;
CounterTable& CounterTable::operator=(CounterTable&&) noexcept = default;

void CounterTable::Apply(const CountedAction& action) {
  for (int key = 0; key < kCounterKeyCount; ++key) rows_->Add(static_cast<CounterKey>(key), action);
  rows_->newest = std::max(rows_->newest, action.time);
}

void CounterTable::PrefetchKeys(const CountedAction& action) const {
  rows_->ForKeysOf(action, [](const CounterRows& rows, uint64_t key) { rows.Prefetch(key); });
}

void CounterTable::PrefetchRows(const CountedAction& action) const {
  rows_->ForKeysOf(action, [](const CounterRows& rows, uint64_t key) { rows.PrefetchRowOf(key); });
}

Micros CounterTable::NewestTime() const { return rows_->newest; }

void CounterTable::EndAt(Micros time) {
  for (CounterRows& rows : rows_->by_key) {
    for (int32_t number = 0; number < static_cast<int32_t>(rows.size()); ++number) {
      CounterRow* row = rows.Row(number);
      row->last = std::min(row->last, time);
      row->base = std::min(row->base, time);
    }
  }
  rows_->newest = std::min(rows_->newest, time);
}

double CounterTable::Value(int index, EntityHandle first, EntityHandle second, Micros time) const {
  const CounterKey key = rows_->definitions[index].key;
  const Micros as_of = rows_->AsOf(time);
  const CounterRow* row = rows_->Remembered(key, FindRow(key, first, second), as_of);
  if (row == nullptr) return 0;
  Factors factors;
  rows_->Decay(row->base - as_of, &factors);
  const int place = rows_->place[index];
  return row->sums[place] * factors[rows_->layouts[static_cast<size_t>(key)].half_life[place]];
}

bool CounterTable::Row(CounterKey key, EntityHandle first, EntityHandle second, Micros time,
                       std::span<double> out) const {
  return ReadRow(key, FindRow(key, first, second), time, out) != 0;
}

Micros CounterTable::LastTime(CounterKey key, EntityHandle first, EntityHandle second, Micros time) const {
  const CounterRow* row = rows_->Remembered(key, FindRow(key, first, second), rows_->AsOf(time));
  return row == nullptr ? 0 : row->last;
}

FeatureSet CounterTable::Definitions() const {
  FeatureSet set;
  set.counters = rows_->definitions;
  set.pair_memory_days = static_cast<int>(rows_->pair_memory / kMicrosPerDay);
  set.domain = rows_->domain;
  return set;
}

size_t CounterTable::RowCount(CounterKey key) const { return rows_->of(key).size(); }

uint64_t CounterTable::MemoryBytes() const {
  uint64_t bytes = sizeof(Rows);
  for (const CounterRows& rows : rows_->by_key) bytes += rows.MemoryBytes();
  return bytes;
}

void CounterTable::PrefetchKey(CounterKey key, EntityHandle first, EntityHandle second) const {
  rows_->of(key).Prefetch(KeyOf(key, first, second));
}

const CounterRow* CounterTable::FindRow(CounterKey key, EntityHandle first, EntityHandle second) const {
  if (first == kNoEntity || (IsPair(key) && second == kNoEntity)) return nullptr;
  return rows_->of(key).FindRow(KeyOf(key, first, second));
}

void CounterTable::PrefetchRow(CounterKey key, const CounterRow* row) const {
  if (row != nullptr) PrefetchAll(row, rows_->of(key).row_bytes());
}

Micros CounterTable::ReadRow(CounterKey key, const CounterRow* row, Micros time, std::span<double> out) const {
  const KeyLayout& layout = rows_->layouts[static_cast<size_t>(key)];
  const Micros as_of = rows_->AsOf(time);
  row = rows_->Remembered(key, row, as_of);
  if (row == nullptr) {
    std::ranges::fill(out.first(layout.half_life.size()), 0);
    return 0;
  }
  Factors factors;
  rows_->Decay(row->base - as_of, &factors);
  for (size_t i = 0; i < layout.half_life.size(); ++i) out[i] = row->sums[i] * factors[layout.half_life[i]];
  return row->last;
}

Status CounterTable::Serialize(const std::function<void(std::string_view)>& sink, ColdReader* reader) const {
  sink(rows_->Head(kMagic));
  for (const CounterRows& rows : rows_->by_key) FEEDMILL_TRY(rows.Serialize(reader, sink));
  return Ok();
}

void CounterTable::SerializeParts(std::span<const Sink> sinks,
                                  const std::function<size_t(CounterKey, EntityHandle)>& place_of) const {
  const std::string head = rows_->Head(kMagic);
  for (const Sink& sink : sinks) {
    if (sink) sink(head);
  }
  for (int i = 0; i < kCounterKeyCount; ++i) {
    const auto key = static_cast<CounterKey>(i);
    rows_->by_key[i].SerializeParts(
        sinks, [&](uint64_t row_key) { return place_of(key, static_cast<EntityHandle>(row_key >> 32)); });
  }
}

Status CounterTable::Deserialize(std::string_view bytes) {
  if (rows_->newest != 0) return InvalidArgument("counters: the table is not empty");
  return Merge(bytes, [](CounterKey, EntityHandle) { return true; });
}

Status CounterTable::Merge(std::string_view bytes, const std::function<bool(CounterKey, EntityHandle)>& wanted) {
  constexpr size_t kNewestAt = sizeof kMagic;
  uint64_t magic = 0;
  if (bytes.size() >= sizeof magic) std::memcpy(&magic, bytes.data(), sizeof magic);
  // The definitions as this table writes them: the same bytes or another set.
  const std::string expected = rows_->Head(magic == kFormerMagic ? kFormerMagic : kMagic);
  Micros newest = 0;
  if (bytes.size() < expected.size())
    return Corrupt("counters: {} bytes; the definitions alone have {}", bytes.size(), expected.size());
  if (magic != kMagic && magic != kFormerMagic) return Corrupt("counters: no magic number at byte 0");
  if (bytes.substr(kNewestAt + sizeof newest, expected.size() - kNewestAt - sizeof newest) !=
      std::string_view(expected).substr(kNewestAt + sizeof newest)) {
    return InvalidArgument("counters: written with other counter definitions");
  }
  std::memcpy(&newest, bytes.data() + kNewestAt, sizeof newest);
  rows_->newest = std::max(rows_->newest, newest);
  bytes.remove_prefix(expected.size());
  for (int i = 0; i < kCounterKeyCount; ++i) {
    const auto key = static_cast<CounterKey>(i);
    const auto keep = [&](const CounterRow& row) {
      return wanted(key, static_cast<EntityHandle>(row.key >> 32)) && !rows_->Forgotten(key, row, newest - kLateMax);
    };
    FEEDMILL_TRY(rows_->by_key[i].Deserialize(&bytes, keep));
  }
  if (!bytes.empty()) return Corrupt("counters: {} bytes too many at the end", bytes.size());
  return Ok();
}

}  // namespace feedmill::features
