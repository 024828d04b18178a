#include <algorithm>
#include <limits>
#include <tuple>

#include "base/time_text.h"
#include "features/replay.h"
#include "features/replay_input_internal.h"

namespace feedmill::features {
namespace {

constexpr const char* kActionTable = "dwd.dwd_user_action";
constexpr const char* kImpressionTable = "dwd.dwd_impression";
constexpr const char* kPostTable = "dwd.dwd_post";
constexpr const char* kRelationTable = "dwd.dwd_user_relation";
constexpr Micros kNever = std::numeric_limits<Micros>::max();

// Events that CountedActionOf knows.
constexpr std::string_view kCountedEvents =
    "'feed_impression', 'post_click', 'dwell', 'like', 'comment', 'share', 'follow', 'hide', 'report'";

std::string Literal(Micros time) { return fmt::format("TIMESTAMPTZ '{}'", FormatTime(time)); }

EntityHandle Handle(const query::Chunk& chunk, size_t column, size_t row) {
  return chunk.IsNull(column, row) ? kNoEntity : static_cast<EntityHandle>(chunk.Longs(column)[row]);
}

Micros DayStart(Micros time) { return FloorTo(time, kMicrosPerDay); }

Status RegisterDay(query::Session& session, lake::Catalog& catalog, const char* table, Micros time) {
  const Micros day = DayStart(time);
  return session.RegisterTable(catalog, table, {{"event_time", day, day + kMicrosPerDay}});
}

}  // namespace

Result<PostHistory> PostHistory::Load(query::Session& session, lake::Catalog& catalog) {
  PostHistory history;
  FEEDMILL_TRY(session.RegisterTable(catalog, kPostTable));
  const auto add = [&history](const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      history.versions_.push_back({Handle(chunk, 0, row),
                                   static_cast<float>(chunk.IsNull(1, row) ? 0 : chunk.Longs(1)[row]),
                                   chunk.Longs(2)[row], chunk.Longs(3)[row], chunk.Longs(4)[row]});
    }
    return Ok();
  };
  FEEDMILL_TRY(session.Stream(
      "SELECT post_key, CAST(text_length AS BIGINT), created_time, valid_from, CAST(version AS BIGINT) FROM dwd_post "
      "WHERE post_key IS NOT NULL",
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
  candidate->text_length = next->text_length;
}

Result<FollowHistory> FollowHistory::Load(query::Session& session, lake::Catalog& catalog) {
  FollowHistory history;
  FEEDMILL_TRY(session.RegisterTable(catalog, kRelationTable));
  const auto add = [&history](const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      const uint64_t pair = static_cast<uint64_t>(Handle(chunk, 0, row)) << 32 | Handle(chunk, 1, row);
      history.edges_.push_back({pair, chunk.Longs(2)[row], chunk.IsNull(3, row) ? kNever : chunk.Longs(3)[row]});
    }
    return Ok();
  };
  FEEDMILL_TRY(
      session.Stream("SELECT user_key, target_user_key, valid_from, valid_to FROM dwd_user_relation "
                     "WHERE user_key IS NOT NULL AND target_user_key IS NOT NULL",
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

std::vector<TimeSlice> SlicesOf(const DayDigest& day) {
  const int64_t count = std::clamp<int64_t>((day.actions + kSliceActions - 1) / kSliceActions, 1, 24 * 60);
  std::vector<TimeSlice> slices;
  const Micros begin = day.day * kMicrosPerDay;
  for (int64_t i = 0; i < count; ++i)
    slices.push_back({begin + kMicrosPerDay * i / count, begin + kMicrosPerDay * (i + 1) / count});
  return slices;
}

Result<std::vector<DayDigest>> ReadDays(query::Session& session, lake::Catalog& catalog, Micros end) {
  std::vector<DayDigest> days;
  FEEDMILL_TRY(session.RegisterTable(catalog, kActionTable, {{"event_time", std::nullopt, end}}));
  const std::string sql = fmt::format(
      "SELECT CAST(CAST(event_time AS DATE) - DATE '1970-01-01' AS BIGINT) AS day, COUNT(*) AS actions, "
      "CAST((bit_xor(hash(event_id, event_name, event_time, user_key, post_key, author_key, topic, dwell_ms)) >> 1) AS "
      "BIGINT) AS digest "
      "FROM dwd_user_action WHERE event_name IN ({}) AND event_time < {} GROUP BY 1 ORDER BY 1",
      kCountedEvents, Literal(end));
  FEEDMILL_TRY(session.Stream(sql, [&days](const query::Chunk& chunk) {
    for (size_t row = 0; row < chunk.row_count(); ++row)
      days.push_back({chunk.Longs(0)[row], chunk.Longs(1)[row], chunk.Longs(2)[row]});
    return Ok();
  }));
  return days;
}

namespace {

// What the rows of a day amount to: a late impression or outcome changes it.
std::string DaySums(const char* table, std::string_view labels, Micros end) {
  return fmt::format(
      "SELECT CAST(event_time AS DATE) AS day, COUNT(*) AS shown, {} , SUM(dwell_ms) AS dwell FROM {} "
      "WHERE event_time < {} GROUP BY 1",
      labels, table, Literal(end));
}

}  // namespace

Result<SampleDays> FindStaleSamples(query::Session& session, lake::Catalog& catalog, Micros end) {
  SampleDays days{end - kMicrosPerDay, end - kMicrosPerDay};
  FEEDMILL_TRY(session.RegisterTable(catalog, kImpressionTable, {{"event_time", std::nullopt, end}}));
  std::string sql = fmt::format(
      "WITH shown AS ({}) ",
      DaySums("dwd_impression",
              "SUM(clicked) AS a, SUM(liked) AS b, SUM(commented) AS c, SUM(shared) AS d, SUM(followed) AS e, "
              "SUM(hidden) AS f",
              end));
  const Status registered =
      session.RegisterTable(catalog, std::string(kSampleTable), {{"event_time", std::nullopt, end}});
  if (!registered && registered.error().kind() != ErrorKind::kNotFound) return std::unexpected(registered.error());
  if (registered) {
    sql += fmt::format(
        ", sampled AS ({}), stale AS (SELECT day FROM (SELECT * FROM shown EXCEPT SELECT * FROM sampled)) ",
        DaySums("ads_sample_ctr",
                "SUM(click) AS a, SUM(\"like\") AS b, SUM(comment) AS c, SUM(share) AS d, SUM(follow) AS e, "
                "SUM(hide) AS f",
                end));
  } else {
    sql += ", stale AS (SELECT day FROM shown) ";
  }
  sql +=
      "SELECT CAST((SELECT MIN(day) FROM shown) - DATE '1970-01-01' AS BIGINT), "
      "CAST((SELECT MIN(day) FROM stale) - DATE '1970-01-01' AS BIGINT)";
  FEEDMILL_ASSIGN(const query::Rows rows, session.Query(sql));
  const auto* first = std::get_if<int64_t>(&rows.rows.at(0).at(0));
  const auto* stale = std::get_if<int64_t>(&rows.rows.at(0).at(1));
  if (first != nullptr) days.first_shown = *first * kMicrosPerDay;
  if (stale != nullptr) days.first_stale = *stale * kMicrosPerDay;
  return days;
}

namespace {

SliceText Keep(const query::Chunk& chunk, size_t column, size_t row, std::string* arena) {
  if (chunk.IsNull(column, row)) return {};
  const std::string_view text = chunk.Text(column, row);
  const SliceText kept{static_cast<uint32_t>(arena->size()), static_cast<uint32_t>(text.size())};
  arena->append(text);
  return kept;
}

void AddImpressions(const query::Chunk& chunk, TopicNames* topics, ImpressionSlice* slice) {
  constexpr size_t kTopicText = 5;
  for (size_t row = 0; row < chunk.row_count(); ++row) {
    Impression impression;
    impression.as_of = chunk.Longs(0)[row];
    impression.event_time = chunk.Longs(1)[row];
    impression.user = Handle(chunk, 2, row);
    impression.post = Handle(chunk, 3, row);
    impression.author = Handle(chunk, 4, row);
    if (!chunk.IsNull(5, row)) impression.position = chunk.Longs(5)[row];
    impression.dwell_ms = chunk.Longs(6)[row];
    for (size_t i = 0; i < 6; ++i) impression.labels[i] = static_cast<int32_t>(chunk.Longs(7 + i)[row]);
    for (size_t i = 0; i < 8; ++i) impression.texts[i] = Keep(chunk, 13 + i, row, &slice->arena);
    const SliceText& topic = impression.texts[kTopicText];
    if (topic.size != SliceText::kNull && topic.size > 0) impression.topic = topics->FindOrAdd(slice->Text(topic));
    slice->rows.push_back(impression);
  }
}

}  // namespace

Result<ImpressionSlice> ReadImpressions(query::Session& session, lake::Catalog& catalog, TimeSlice slice,
                                        TopicNames* topics) {
  const Micros day = DayStart(slice.begin);
  FEEDMILL_TRY(RegisterDay(session, catalog, kImpressionTable, day));
  // as_of is the request's first impression of the day, so that the answer does not depend on where a run begins.
  const std::string sql = fmt::format(
      "WITH day AS (SELECT *, COALESCE(request_id, event_id) AS request FROM dwd_impression "
      "WHERE event_time >= {0} AND event_time < {1}), "
      "requests AS (SELECT request, user_key, MIN(event_time) AS as_of FROM day "
      "GROUP BY ALL HAVING as_of >= {2} AND as_of < {3}) "
      "SELECT as_of, event_time, day.user_key, post_key, author_key, CAST(position AS BIGINT), "
      "CAST(dwell_ms AS BIGINT), CAST(clicked AS BIGINT), CAST(liked AS BIGINT), CAST(commented AS BIGINT), "
      "CAST(shared AS BIGINT), CAST(followed AS BIGINT), CAST(hidden AS BIGINT), "
      "event_id, request_id, user_id, post_id, author_id, topic, scene, source "
      "FROM day JOIN requests ON day.request = requests.request AND day.user_key IS NOT DISTINCT FROM "
      "requests.user_key "
      "ORDER BY as_of ASC NULLS LAST, day.user_key ASC NULLS LAST, request_id ASC NULLS LAST, "
      "position ASC NULLS LAST, event_id ASC NULLS LAST",
      Literal(day), Literal(day + kMicrosPerDay), Literal(slice.begin), Literal(slice.end));
  ImpressionSlice impressions;
  FEEDMILL_TRY(session.Stream(sql, [&](const query::Chunk& chunk) {
    AddImpressions(chunk, topics, &impressions);
    return Ok();
  }));
  return impressions;
}

Status StreamActions(query::Session& session, lake::Catalog& catalog, TimeSlice slice, TopicNames* topics,
                     const std::function<Status(const CountedAction&)>& on_action) {
  FEEDMILL_TRY(RegisterDay(session, catalog, kActionTable, slice.begin));
  const std::string sql = fmt::format(
      "SELECT event_time, user_key, post_key, author_key, CAST(dwell_ms AS BIGINT), event_name, topic FROM "
      "dwd_user_action "
      "WHERE event_name IN ({}) AND event_time >= {} AND event_time < {} ORDER BY event_time ASC NULLS LAST, event_id "
      "ASC NULLS LAST",
      kCountedEvents, Literal(slice.begin), Literal(slice.end));
  return session.Stream(sql, [&](const query::Chunk& chunk) -> Status {
    for (size_t row = 0; row < chunk.row_count(); ++row) {
      CountedAction action;
      action.time = chunk.Longs(0)[row];
      action.user = Handle(chunk, 1, row);
      action.post = Handle(chunk, 2, row);
      action.author = Handle(chunk, 3, row);
      action.action = CountedActionOf(chunk.Text(5, row)).value_or(Action::kImpression);
      action.weight = CountedWeight(action.action, chunk.IsNull(4, row) ? 0 : chunk.Longs(4)[row]);
      if (!chunk.IsNull(6, row) && !chunk.Text(6, row).empty()) action.topic = topics->FindOrAdd(chunk.Text(6, row));
      FEEDMILL_TRY(on_action(action));
    }
    return Ok();
  });
}

}  // namespace feedmill::features
