#include "app/verb_verify.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/verify_features.h"
#include "base/log.h"
#include "base/time_text.h"
#include "base/units.h"

namespace feedmill::app {
namespace {

// Of values over several partitions: what one partition said too late of another's, as a batch over several does.
constexpr double kOtherOrderShareMax = 0.03;

struct VerifyArguments {
  std::string project = ".";
  Overrides overrides;
  std::string from = "1970-01-01";
  std::string to = "9999-01-01";
};

Status RunVerify(const VerifyArguments& arguments) {
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, arguments.overrides));
  log::Configure(log::Level::kWarn, config.logging.format);
  FEEDMILL_ASSIGN(const Micros from, ParseTime(arguments.from));
  FEEDMILL_ASSIGN(const Micros to, ParseTime(arguments.to));
  const SystemClock clock;
  FEEDMILL_ASSIGN(const DataFolder folder, OpenDataFolder(config.paths, clock));
  FEEDMILL_ASSIGN(const FeatureComparison found, CompareFeatures(config, folder, from, to));
  const nlohmann::json json = {{"requests", found.requests},
                               {"items", found.items},
                               {"values", found.values},
                               {"equal", found.values - found.different},
                               {"different", found.different},
                               {"difference_max", found.difference_max},
                               {"requests_other_features", found.requests_other_features}};
  cli::PrintResult(json.dump());
  if (found.requests == 0) {
    fmt::print(stderr,
               "verify-features: nothing was there to verify: no feed request of that time has landed with features{}. "
               "Requests log them once a bundle with ranking models is live; the newest ones land within {}\n",
               found.requests_other_features > 0 ? " of the project's present definitions" : "",
               FormatDuration(config.landing.interval));
  }
  if (found.different == 0) return Ok();
  const std::string differ =
      fmt::format("{} of {} values differ; {}", found.different, found.values, found.first_difference);
  const bool may_differ =
      config.event_log.partitions > 1 &&
      static_cast<double>(found.different) <= kOtherOrderShareMax * static_cast<double>(found.values);
  if (!may_differ) return Corrupt("{}", differ);
  fmt::print(stderr,
             "verify-features: {}. The log has several partitions, whose events the server may have applied in another "
             "order: up to {:.0f} % may differ\n",
             differ, kOtherOrderShareMax * 100);
  return Ok();
}

}  // namespace

void AddVerifyFeaturesVerb(CLI::App& app) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* verb = app.add_subcommand(
      "verify-features", "compute the features that feed requests logged again, from the raw events of the lake");
  verb->add_option("--project", arguments->project, "project folder")->capture_default_str();
  verb->add_option("--set", arguments->overrides, "name=value, over feedmill.toml");
  verb->add_option("--from", arguments->from, "requests from this instant on")->capture_default_str();
  verb->add_option("--to", arguments->to, "requests before this instant")->capture_default_str();
  verb->footer("Example:\n  feedmill verify-features --project myapp --from 2026-01-10");
  verb->callback([arguments] { cli::Finish(RunVerify(*arguments)); });
}

}  // namespace feedmill::app
