#include "app/project_domain.h"

#include <algorithm>

#include "domain/plan_check.h"
#include "ingest/tracking_plan.h"

namespace feedmill::app {

Status CheckProjectDomain(io::FileSystem& files, const ProjectPaths& paths) {
  FEEDMILL_ASSIGN(const bool exists, files.Exists(paths.Domain()));
  if (!exists) return Ok();
  FEEDMILL_ASSIGN(const auto domain, domain::LoadDomain(files, paths.Domain()));
  FEEDMILL_ASSIGN(const auto plan, ingest::TrackingPlan::Load(files, paths.Events()));
  domain::PlanView view;
  view.has_event = [&plan](std::string_view event) { return std::ranges::binary_search(plan->event_names(), event); };
  view.type_of = [&plan](std::string_view event, std::string_view property) {
    return plan->TypeOf(event == "identify" ? "identify" : "track", event, property);
  };
  return domain::CheckAgainstPlan(*domain, paths.Domain(), view);
}

}  // namespace feedmill::app
