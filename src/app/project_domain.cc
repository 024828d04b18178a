#include "app/project_domain.h"

#include <algorithm>

#include "domain/plan_check.h"
#include "serve/scene.h"

namespace feedmill::app {

Status CheckProjectDomain(io::FileSystem& files, const ProjectPaths& paths) {
  FEEDMILL_ASSIGN(const auto domain, domain::LoadDomain(files, paths.Domain()));
  if (domain == domain::LegacyDomain()) return Ok();  // a broken plan is no fault of it
  FEEDMILL_ASSIGN(const auto plan, ingest::TrackingPlan::Load(files, paths.Events()));
  return CheckDomain(domain, *plan, paths);
}

Status CheckDomain(const domain::DomainPtr& domain, const ingest::TrackingPlan& plan, const ProjectPaths& paths) {
  if (domain == domain::LegacyDomain()) return Ok();
  domain::PlanView view;
  view.has_event = [&plan](std::string_view event) { return std::ranges::binary_search(plan.event_names(), event); };
  view.type_of = [&plan](std::string_view event, std::string_view property) {
    return plan.TypeOf(event == "identify" ? event : "track", event, property);
  };
  return domain::CheckAgainstPlan(*domain, paths.Domain(), view);
}

Status CheckProjectScenes(io::FileSystem& files, const ProjectPaths& paths) {
  FEEDMILL_ASSIGN(const auto domain, domain::LoadDomain(files, paths.Domain()));
  FEEDMILL_ASSIGN(const auto scenes, serve::LoadScenes(paths.Feed(), *domain));
  return Ok();
}

}  // namespace feedmill::app
