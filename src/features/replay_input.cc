#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include <fmt/ranges.h>

#include "base/time_text.h"
#include "features/replay.h"
#include "features/replay_input_internal.h"
#include "query/sql_text.h"

namespace feedmill::features {
namespace {

constexpr const char* kRelationTable = "dwd.dwd_user_relation";
constexpr size_t kFixedColumns = 7;  // of ActionsOfDay, before those of the properties
constexpr Micros kNever = std::numeric_limits<Micros>::max();

EntityHandle Handle(const query::Chunk& chunk, size_t column, size_t row) {
  return chunk.IsNull(column, row) ? kNoEntity : static_cast<EntityHandle>(chunk.Longs(column)[row]);
}

// As the live state takes a number of an event.
float NumberOf(double value) { return static_cast<float>(std::clamp(value, -1e15, 1e15)); }

// What holds for the rows whose user is of the part; rows without a user are of the first.
std::string OfPart(UserPart part) {
  if (part.parts == 1) return "TRUE";
  return fmt::format("COALESCE(user_key, 0) % {} = {}", part.parts, part.part);
}

}  // namespace

std::string CountedEvents(const domain::Domain& domain) {
  std::set<std::string> events;
  std::vector<std::string> texts;
  for (const domain::Action& action : domain.actions) {
    for (const std::string& event : action.events) {
      if (action.counted && events.insert(event).second) texts.push_back(query::QuoteText(event));
    }
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<std::string> PropertiesOf(const domain::Domain& domain) {
  std::vector<std::string> properties;
  for (const domain::Action& action : domain.actions) {
    for (const std::string& property : {action.value, action.when}) {
      const bool known = std::ranges::find(properties, property) != properties.end();
      if (action.counted && !property.empty() && !known) properties.push_back(property);
    }
  }
  return properties;
}

std::string Literal(Micros time) { return fmt::format("TIMESTAMPTZ '{}'", FormatTime(time)); }

std::vector<std::string> ImpressionTexts(const domain::Domain& domain) {
  const domain::ItemKind& shown = domain.Shown();
  std::vector<std::string> texts = {"event_id", "request_id", "user_id", shown.id, "author_id", "scene", "source"};
  if (!shown.category.empty()) texts.push_back(shown.category);
  return texts;
}

Result<PostHistory> PostHistory::Load(query::Session& session, lake::Catalog& catalog, const FeatureSet& set,
                                      Micros start, Micros end) {
  PostHistory history;
  const domain::ItemKind& shown = set.domain->Shown();
  if (shown.made_by.empty()) return history;
  const std::string versions = "dwd_" + shown.name;
  FEEDMILL_TRY(session.RegisterTable(catalog, "dwd." + versions));
  FEEDMILL_TRY(session.RegisterTable(catalog, kImpressionTable, {{"event_time", start, end}}));
  const auto add = [&](const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      Version version{Handle(chunk, 0, row), {}, {}, chunk.Longs(1)[row], chunk.Longs(2)[row], chunk.Longs(3)[row]};
      for (size_t i = 0; i < shown.numbers.size(); ++i)
        version.numbers[i] = chunk.IsNull(4 + i, row) ? 0 : NumberOf(chunk.Doubles(4 + i)[row]);
      size_t column = 4 + shown.numbers.size();
      for (size_t i = 0; i < set.categories.size(); ++i) {
        if (set.categories[i].field < 0) continue;
        if (!chunk.IsNull(column, row)) version.buckets[i] = BucketOf(chunk.Text(column, row));
        ++column;
      }
      history.versions_.push_back(version);
    }
    return Ok();
  };
  std::string more;
  for (const std::string& number : shown.numbers) more += fmt::format(", CAST({} AS DOUBLE)", query::QuoteName(number));
  for (const CategoryProperty& property : set.categories) {
    if (property.field >= 0) more += ", " + query::QuoteName(property.name);
  }
  FEEDMILL_TRY(session.Stream(
      fmt::format("SELECT {0}, created_time, valid_from, CAST(version AS BIGINT){1} FROM {2} WHERE {0} IN (SELECT {0} "
                  "FROM dwd_impression WHERE event_time >= {3} AND event_time < {4})",
                  query::QuoteName(shown.Key()), more, versions, Literal(start), Literal(end)),
      add));
  // Of versions of one instant the last one counts.
  std::ranges::sort(history.versions_, {},
                    [](const Version& version) { return std::tuple(version.post, version.from, version.number); });
  return history;
}

void PostHistory::Describe(EntityHandle post, Micros time, CandidateInput* candidate) const {
  const auto key = [](const Version& version) { return std::pair(version.post, version.from); };
  auto next = std::ranges::lower_bound(versions_, std::pair(post, time), {}, key);
  if (next == versions_.begin() || (--next)->post != post) return;
  candidate->created_at = next->created;
  candidate->numbers = next->numbers;
  candidate->buckets = next->buckets;
}

Result<FollowHistory> FollowHistory::Load(query::Session& session, lake::Catalog& catalog, const domain::Domain& domain,
                                          UserPart part) {
  FollowHistory history;
  if (domain.Followed() == nullptr) return history;
  FEEDMILL_TRY(session.RegisterTable(catalog, kRelationTable));
  const auto add = [&history](const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      const uint64_t pair = static_cast<uint64_t>(Handle(chunk, 0, row)) << 32 | Handle(chunk, 1, row);
      history.edges_.push_back({pair, chunk.Longs(2)[row], chunk.IsNull(3, row) ? kNever : chunk.Longs(3)[row]});
    }
    return Ok();
  };
  FEEDMILL_TRY(
      session.Stream(fmt::format("SELECT user_key, target_user_key, valid_from, valid_to FROM dwd_user_relation "
                                 "WHERE user_key IS NOT NULL AND target_user_key IS NOT NULL AND {}",
                                 OfPart(part)),
                     add));
  // Edges of one instant but the last are of no length.
  std::ranges::sort(history.edges_, {}, [](const Edge& edge) { return std::tuple(edge.pair, edge.from, edge.to); });
  return history;
}

bool FollowHistory::Follows(EntityHandle user, EntityHandle author, Micros time) const {
  const uint64_t pair = static_cast<uint64_t>(user) << 32 | author;
  auto next = std::ranges::lower_bound(edges_, std::pair(pair, time), {},
                                       [](const Edge& edge) { return std::pair(edge.pair, edge.from); });
  if (next == edges_.begin() || (--next)->pair != pair) return false;
  return next->to >= time;
}

std::vector<TimeSlice> SlicesOf(const DayDigest& day, int64_t actions_max) {
  const int64_t count = std::clamp<int64_t>((day.actions + actions_max - 1) / actions_max, 1, 24 * 60);
  std::vector<TimeSlice> slices;
  const Micros begin = day.day * kMicrosPerDay;
  for (int64_t i = 0; i < count; ++i)
    slices.push_back({begin + kMicrosPerDay * i / count, begin + kMicrosPerDay * (i + 1) / count});
  return slices;
}

namespace {

SliceText Keep(const query::Chunk& chunk, size_t column, size_t row, std::string* arena) {
  if (chunk.IsNull(column, row)) return {};
  const std::string_view text = chunk.Text(column, row);
  const SliceText kept{static_cast<uint32_t>(arena->size()), static_cast<uint32_t>(text.size())};
  arena->append(text);
  return kept;
}

constexpr size_t kTextsBegin = 6;  // of ImpressionsOfDay

void AddImpressions(const query::Chunk& chunk, ImpressionSlice* slice) {
  for (size_t row = 0; row < chunk.row_count(); ++row) {
    Impression impression;
    impression.as_of = chunk.Longs(0)[row];
    impression.event_time = chunk.Longs(1)[row];
    impression.user = Handle(chunk, 2, row);
    impression.post = Handle(chunk, 3, row);
    impression.author = Handle(chunk, 4, row);
    if (!chunk.IsNull(5, row)) impression.position = chunk.Longs(5)[row];
    size_t column = kTextsBegin;
    for (size_t i = 0; i < slice->text_count; ++i) impression.texts[i] = Keep(chunk, column++, row, &slice->arena);
    for (size_t i = 0; i < slice->label_count; ++i)
      impression.labels[i] = static_cast<int32_t>(chunk.Longs(column++)[row]);
    slice->rows.push_back(impression);
  }
}

}  // namespace

// as_of is the request's first impression of the day, so that the answer does not depend on where a run begins.
std::string DayReader::ImpressionsOfDay(int64_t day, const SampleShares& shares) const {
  std::string texts, labels;
  for (const std::string& text : ImpressionTexts(*domain_)) texts += ", " + query::QuoteName(text);
  for (const domain::Action* action : domain_->Labelled())
    labels += fmt::format(", CAST(COALESCE({0}, 0) AS BIGINT) AS {0}", query::QuoteName(action->label));
  return fmt::format(
      "WITH shown AS (SELECT *, COALESCE(request_id, event_id) AS request FROM dwd_impression "
      "WHERE event_time >= {0} AND event_time < {1} AND {2}{4}), "
      "requests AS (SELECT request, user_key, MIN(event_time) AS as_of FROM shown GROUP BY ALL) "
      "SELECT as_of, event_time, shown.user_key AS user_key, {5}, author_key, CAST(position AS BIGINT) AS position"
      "{6}{3} FROM shown JOIN requests ON shown.request = requests.request AND shown.user_key IS NOT DISTINCT FROM "
      "requests.user_key",
      Literal(day * kMicrosPerDay), Literal((day + 1) * kMicrosPerDay), OfPart(part_), labels, shares.Where(day),
      query::QuoteName(domain_->Shown().Key()), texts);
}

void DayReader::SetPart(UserPart part) {
  part_ = part;
  staged_impressions_.reset();
}

Status DayReader::RegisterDay(const char* table, const DayDigest& day) {
  const Micros begin = day.day * kMicrosPerDay;
  return session_.RegisterTable(catalog_, table, {{"event_time", begin, begin + kMicrosPerDay}});
}

// Of each property: whether it is there, and its number.
std::string DayReader::ActionsOfDay(int64_t day) const {
  std::string properties;
  for (size_t i = 0; i < properties_.size(); ++i) {
    properties += fmt::format(", CAST({0} IS NOT NULL AS BIGINT) AS has_{1}, TRY_CAST({0} AS DOUBLE) AS number_{1}",
                              query::QuoteName(properties_[i]), i);
  }
  const domain::ItemKind& shown = domain_->Shown();
  return fmt::format(
      "SELECT event_time, user_key, {} AS item_key, author_key, event_name, {} AS category, event_id{} FROM "
      "dwd_user_action WHERE event_name IN ({}) AND event_time >= {} AND event_time < {}",
      query::QuoteName(shown.Key()),
      shown.category.empty() ? "CAST(NULL AS VARCHAR)" : query::QuoteName(shown.category), properties,
      CountedEvents(*domain_), Literal(day * kMicrosPerDay), Literal((day + 1) * kMicrosPerDay));
}

Result<std::string> DayReader::ActionSource(const DayDigest& day) {
  const std::string rows = ActionsOfDay(day.day);
  if (Slices(day).size() > 1 && staged_actions_ == day.day) return std::string("day_action");
  FEEDMILL_TRY(RegisterDay(kActionTable, day));
  if (Slices(day).size() == 1) return "(" + rows + ")";
  staged_actions_.reset();
  FEEDMILL_TRY(
      session_.Execute("CREATE OR REPLACE TEMP TABLE day_action AS " + rows + " ORDER BY event_time ASC NULLS LAST"));
  staged_actions_ = day.day;
  return std::string("day_action");
}

Result<std::string> DayReader::ImpressionSource(const DayDigest& day, const SampleShares& shares) {
  const std::string rows = ImpressionsOfDay(day.day, shares);
  if (Slices(day).size() > 1 && staged_impressions_ == day.day) return std::string("day_impression");
  FEEDMILL_TRY(RegisterDay(kImpressionTable, day));
  if (Slices(day).size() == 1) return "(" + rows + ")";
  staged_impressions_.reset();
  FEEDMILL_TRY(
      session_.Execute("CREATE OR REPLACE TEMP TABLE day_impression AS " + rows + " ORDER BY as_of ASC NULLS LAST"));
  staged_impressions_ = day.day;
  return std::string("day_impression");
}

Result<ImpressionSlice> DayReader::ReadImpressions(const DayDigest& day, TimeSlice slice, const SampleShares& shares) {
  FEEDMILL_ASSIGN(const std::string source, ImpressionSource(day, shares));
  const std::string sql = fmt::format(
      "SELECT * FROM {} WHERE as_of >= {} AND as_of < {} ORDER BY as_of ASC NULLS LAST, user_key ASC NULLS LAST, "
      "request_id ASC NULLS LAST, position ASC NULLS LAST, event_id ASC NULLS LAST",
      source, Literal(slice.begin), Literal(slice.end));
  ImpressionSlice impressions;
  impressions.label_count = domain_->Labelled().size();
  impressions.text_count = ImpressionTexts(*domain_).size();
  FEEDMILL_TRY(session_.Stream(sql, [&](const query::Chunk& chunk) {
    AddImpressions(chunk, &impressions);
    return Ok();
  }));
  return impressions;
}

size_t DayReader::ColumnOf(std::string_view property) const {
  const auto found = std::ranges::find(properties_, property);
  return kFixedColumns + 2 * static_cast<size_t>(found - properties_.begin());
}

bool DayReader::Holds(const domain::Action& action, const query::Chunk& chunk, size_t row) const {
  return action.when.empty() || chunk.Longs(ColumnOf(action.when))[row] != 0;
}

double DayReader::ValueOf(const domain::Action& action, const query::Chunk& chunk, size_t row) const {
  if (action.value.empty()) return 0;
  const size_t column = ColumnOf(action.value) + 1;
  return chunk.IsNull(column, row) ? 0 : chunk.Doubles(column)[row];
}

Status DayReader::StreamActions(const DayDigest& day, TimeSlice slice, TopicNames* topics,
                                const std::function<Status(const CountedAction&)>& on_action) {
  FEEDMILL_ASSIGN(const std::string source, ActionSource(day));
  const std::string sql = fmt::format(
      "SELECT * FROM {} WHERE event_time >= {} AND event_time < {} ORDER BY event_time ASC NULLS LAST, event_id ASC "
      "NULLS LAST",
      source, Literal(slice.begin), Literal(slice.end));
  return session_.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      CountedAction action;
      action.time = chunk.Longs(0)[row];
      action.user = Handle(chunk, 1, row);
      action.post = Handle(chunk, 2, row);
      action.author = Handle(chunk, 3, row);
      if (!chunk.IsNull(5, row) && !chunk.Text(5, row).empty()) action.topic = topics->FindOrAdd(chunk.Text(5, row));
      const domain::EventMeaning* meaning = meanings_.Find(chunk.Text(4, row));
      if (meaning == nullptr) continue;
      for (const uint8_t place : meaning->actions) {
        const domain::Action& meant = domain_->actions[place];
        if (!meant.counted || !Holds(meant, chunk, row)) continue;
        action.action = static_cast<Action>(place);
        action.weight = meant.Weight(ValueOf(meant, chunk, row));
        FEEDMILL_TRY(on_action(action));
      }
    }
    return Ok();
  });
}

}  // namespace feedmill::features
