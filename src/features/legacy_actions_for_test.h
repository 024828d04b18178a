// The counted actions of the legacy domain by the names that tests use. For tests only.
#pragma once

#include <optional>

#include "domain/event_meanings.h"
#include "features/feature_set.h"

namespace feedmill::features::legacy {

inline Action Named(std::string_view name) {
  const domain::Domain& domain = *domain::LegacyDomain();
  return static_cast<Action>(domain.FindAction(name) - domain.actions.data());
}

inline const Action kImpression = Named("impression");
inline const Action kClick = Named("click");
inline const Action kLike = Named("like");
inline const Action kComment = Named("comment");
inline const Action kHide = Named("hide");
inline const Action kDwellSeconds = Named("dwell_seconds");
inline constexpr int kActionCount = 8;

// The counted action that an event of this name is.
inline std::optional<Action> ActionOf(std::string_view event) {
  static const domain::EventMeanings kMeanings(*domain::LegacyDomain());
  const domain::EventMeaning* meaning = kMeanings.Find(event);
  if (meaning == nullptr || meaning->actions.empty()) return std::nullopt;
  const uint8_t place = meaning->actions.front();
  if (!domain::LegacyDomain()->actions[place].counted) return std::nullopt;
  return static_cast<Action>(place);
}

inline float WeightOf(Action action, int64_t dwell_ms) {
  return features::ActionOf(*domain::LegacyDomain(), action).Weight(static_cast<double>(dwell_ms));
}

}  // namespace feedmill::features::legacy
