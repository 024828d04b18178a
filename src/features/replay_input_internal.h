// What the replay reads from the warehouse, in the form it needs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "features/compute.h"
#include "features/replay_checkpoint_internal.h"
#include "lake/catalog.h"
#include "query/engine.h"

namespace feedmill::features {

// Creation, text and versions of posts by post_key.
class PostHistory {
 public:
  static Result<PostHistory> Load(query::Session& session, lake::Catalog& catalog);
  // Fills created_at and text_length as of `time`: of versions that began strictly earlier; nothing before the first.
  void Describe(EntityHandle post, Micros time, CandidateInput* candidate) const;

 private:
  struct Version {
    EntityHandle post;
    float text_length;
    Micros created;
    Micros from;
    int64_t number;
  };
  std::vector<Version> versions_;  // by post, from and number
};

// Follow edges with the times they stood, by (user_key, target_user_key).
class FollowHistory {
 public:
  static Result<FollowHistory> Load(query::Session& session, lake::Catalog& catalog);
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
  EntityHandle topic = kNoEntity;
  int64_t position = -1;  // -1 for NULL
  int64_t dwell_ms = 0;
  int32_t labels[6] = {};  // click, like, comment, share, follow, hide
  SliceText texts[8];      // event_id, request_id, user_id, post_id, author_id, topic, scene, source
};

// Impressions of some hours, ordered by (as_of, user, request, position, event).
struct ImpressionSlice {
  std::vector<Impression> rows;
  std::string arena;
  std::string_view Text(const SliceText& text) const { return std::string_view(arena).substr(text.begin, text.size); }
};

// Half-open piece of one day with at most about kSliceActions actions when they spread evenly.
struct TimeSlice {
  Micros begin = 0;
  Micros end = 0;
};
inline constexpr int64_t kSliceActions = 500'000;
std::vector<TimeSlice> SlicesOf(const DayDigest& day);

// The days that have actions before `end`, oldest first.
Result<std::vector<DayDigest>> ReadDays(query::Session& session, lake::Catalog& catalog, Micros end);

// Midnights of the first day that has impressions before `end`, and of the first one whose samples are not those of its
// impressions; both the day before `end` when there is none.
struct SampleDays {
  Micros first_shown = 0;
  Micros first_stale = 0;
};
Result<SampleDays> FindStaleSamples(query::Session& session, lake::Catalog& catalog, Micros end);

// Impressions with as_of in the slice and event_time in [slice's day, end).
Result<ImpressionSlice> ReadImpressions(query::Session& session, lake::Catalog& catalog, TimeSlice slice,
                                        TopicNames* topics);

// Counted actions of the slice in order of (event_time, event_id).
Status StreamActions(query::Session& session, lake::Catalog& catalog, TimeSlice slice, TopicNames* topics,
                     const std::function<Status(const CountedAction&)>& on_action);

}  // namespace feedmill::features
