// The project's domain beside its tracking plan.
#pragma once

#include "app/project.h"
#include "base/result.h"
#include "domain/domain.h"
#include "ingest/tracking_plan.h"
#include "io/file_system.h"

namespace feedmill::app {

// kInvalidArgument: what is wrong in domain.toml, or what it names that events/ do not have. A project without the file
// is well.
Status CheckProjectDomain(io::FileSystem& files, const ProjectPaths& paths);
// The same of what is loaded already.
Status CheckDomain(const domain::DomainPtr& domain, const ingest::TrackingPlan& plan, const ProjectPaths& paths);

// The scenes of feed/, whose rules are about the domain's fields.
Status CheckProjectScenes(io::FileSystem& files, const ProjectPaths& paths);

}  // namespace feedmill::app
