// The domain beside the tracking plan: every event and property that it names is there, and of a type that fits.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "data/property_type.h"
#include "domain/domain.h"

namespace feedmill::domain {

// The tracking plan as the domain needs it; the room that reads plans stays unknown here.
struct PlanView {
  std::function<bool(std::string_view event)> has_event;
  // Of a property of a track event; nothing when it is not declared.
  std::function<std::optional<PropertyType>(std::string_view event, std::string_view property)> type_of;
};

// kInvalidArgument: every fault, one a line: "[action.like] event: found "lik", which events/ does not have; ...".
Status CheckAgainstPlan(const Domain& domain, std::string_view file, const PlanView& plan);

}  // namespace feedmill::domain
