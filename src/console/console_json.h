// What the console's API answers, as JSON.
#pragma once

#include <string>
#include <vector>

#include "console/console_service.h"
#include "console/sampler.h"

namespace feedmill::console {

std::string StateJson(const StateTiles& tiles, const std::vector<ActButton>& buttons,
                      const std::vector<Sample>& history);
std::string UsersJson(const std::vector<UserRow>& users);
std::string EventJson(const ActivityRow& row);
std::string EventsJson(const std::vector<ActivityRow>& rows);
std::string PlanJson(const std::vector<PlannedEvent>& plan);
std::string KeysJson(const ConsoleKeys& keys);
std::string TitlesJson(const std::map<std::string, std::string>& titles);
std::string BundlesJson(const std::vector<registry::BundleRow>& bundles);
std::string PromotionJson(const registry::Promotion& promotion);
std::string RunsJson(const std::vector<RunRow>& runs);
std::string ErrorJson(const std::string& message);

}  // namespace feedmill::console
