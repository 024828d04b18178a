// What the replay reads from the warehouse, in the form it needs.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/event_meanings.h"
#include "features/compute.h"
#include "features/replay_checkpoint_internal.h"
#include "features/replay_days_internal.h"
#include "lake/catalog.h"
#include "query/engine.h"

namespace feedmill::features {

// Creation, numbers, texts of features and versions by the key of the posts that were shown in a time.
class PostHistory {
 public:
  // Of impressions in [start, end): a night does not hold the posts of all years.
  static Result<PostHistory> Load(query::Session& session, lake::Catalog& catalog, const FeatureSet& set, Micros start,
                                  Micros end);
  // Fills created_at, numbers and the buckets of fields as of `time`: of versions that began strictly earlier; nothing
  // before the first.
  void Describe(EntityHandle post, Micros time, CandidateInput* candidate) const;
  size_t size() const { return versions_.size(); }

 private:
  struct Version {
    EntityHandle post;
    ItemNumbers numbers;
    std::array<uint16_t, kCategoryPropertiesMax> buckets;
    Micros created;
    Micros from;
    int64_t number;
  };
  std::vector<Version> versions_;  // by post, from and number
};

// Follow edges of the users of a part with the times they stood, by (user_key, target_user_key).
class FollowHistory {
 public:
  static Result<FollowHistory> Load(query::Session& session, lake::Catalog& catalog, const domain::Domain& domain,
                                    UserPart part);
  // Whether an edge made strictly before `time` had not been taken back strictly before it.
  bool Follows(EntityHandle user, EntityHandle author, Micros time) const;

 private:
  struct Edge {
    uint64_t pair;
    Micros from;
    Micros to;
  };
  std::vector<Edge> edges_;  // by pair, from and to
};

// A text kept in the arena of its slice; kNull for NULL.
struct SliceText {
  static constexpr uint32_t kNull = 0xffffffff;
  uint32_t begin = 0;
  uint32_t size = kNull;
};

struct Impression {
  Micros as_of = 0;
  Micros event_time = 0;
  EntityHandle user = kNoEntity;
  EntityHandle post = kNoEntity;
  EntityHandle author = kNoEntity;
  int64_t position = -1;                                   // -1 for NULL
  std::array<int32_t, domain::kLabelsMax> labels{};        // in the order of Domain::Labelled
  std::array<SliceText, 8> texts;                          // of the columns that ImpressionTexts names
  const SliceText& topic() const { return texts.back(); }  // kNull where there is no category
};
// Columns of texts that samples take over, the category last when there is one.
std::vector<std::string> ImpressionTexts(const domain::Domain& domain);

// Impressions of some hours, ordered by (as_of, user, request, position, event).
struct ImpressionSlice {
  std::vector<Impression> rows;
  size_t label_count = 0;
  size_t text_count = 0;
  std::string arena;
  std::span<const SliceText> TextsOf(const Impression& row) const { return std::span(row.texts).first(text_count); }
  std::span<const int32_t> LabelsOf(const Impression& row) const { return std::span(row.labels).first(label_count); }
  std::string_view Text(const SliceText& text) const { return std::string_view(arena).substr(text.begin, text.size); }
};

// Half-open piece of one day.
struct TimeSlice {
  Micros begin = 0;
  Micros end = 0;
};
// Pieces of about `actions_max` actions when they spread evenly.
std::vector<TimeSlice> SlicesOf(const DayDigest& day, int64_t actions_max);

// Names of the events that are counted actions, as a list of SQL texts.
std::string CountedEvents(const domain::Domain& domain);
// The properties that say whether an event is an action, and how much it counts: columns of kActionTable.
std::vector<std::string> PropertiesOf(const domain::Domain& domain);

// The rows of one day after another, in time slices. A day of several slices is put in order once, in a temporary table
// that may lie on disk, so that its cost does not grow with the number of slices.
class DayReader {
 public:
  DayReader(query::Session& session, lake::Catalog& catalog, domain::DomainPtr domain, int64_t slice_actions)
      : session_(session),
        catalog_(catalog),
        domain_(std::move(domain)),
        meanings_(*domain_),
        properties_(PropertiesOf(*domain_)),
        slice_actions_(slice_actions) {}

  // Impressions read from now on are those of users of this part.
  void SetPart(UserPart part);
  std::vector<TimeSlice> Slices(const DayDigest& day) const { return SlicesOf(day, slice_actions_); }
  // Counted actions of the slice in order of (event_time, event_id), of all users.
  Status StreamActions(const DayDigest& day, TimeSlice slice, TopicNames* topics,
                       const std::function<Status(const CountedAction&)>& on_action);
  // Impressions with as_of in the slice and event_time in its day, of the requests that are sampled.
  Result<ImpressionSlice> ReadImpressions(const DayDigest& day, TimeSlice slice, const SampleShares& shares);

 private:
  Status RegisterDay(const char* table, const DayDigest& day);
  std::string ActionsOfDay(int64_t day) const;
  std::string ImpressionsOfDay(int64_t day, const SampleShares& shares) const;
  size_t ColumnOf(std::string_view property) const;  // of whether it is there; its number is the next one
  bool Holds(const domain::Action& action, const query::Chunk& chunk, size_t row) const;
  double ValueOf(const domain::Action& action, const query::Chunk& chunk, size_t row) const;
  // Name of what to select the day's rows from.
  Result<std::string> ActionSource(const DayDigest& day);
  Result<std::string> ImpressionSource(const DayDigest& day, const SampleShares& shares);

  query::Session& session_;
  lake::Catalog& catalog_;
  domain::DomainPtr domain_;
  domain::EventMeanings meanings_;
  std::vector<std::string> properties_;
  int64_t slice_actions_;
  UserPart part_;
  std::optional<int64_t> staged_actions_;  // the day that stands in the temporary table
  std::optional<int64_t> staged_impressions_;
};

inline constexpr const char* kActionTable = "dwd.dwd_user_action";
inline constexpr const char* kImpressionTable = "dwd.dwd_impression";
// An instant as SQL.
std::string Literal(Micros time);

}  // namespace feedmill::features
