// What is to be done about a damaged file of the lake, and the part of it that needs no decision.
#pragma once

#include <set>
#include <string>

#include "app/config.h"
#include "app/data_folder.h"
#include "app/lake_check.h"
#include "base/clock.h"
#include "io/confined_file_system.h"
#include "lake/recover.h"
#include "warehouse/project.h"

namespace feedmill::app {

struct HealOutcome {
  bool decided = true;  // false: the text names the command that a person has to give
  std::string text;
};

// Raw tables are landed again from the log; of derived ones the record that they were made is forgotten, so that the
// next run makes them again. A table whose metadata is damaged goes back to its newest version that is whole first.
// Whoever heals holds the work lock; everything outlives it. `give_up`: a raw file whose records the log no longer has
// leaves its table, and is kept aside.
class LakeHealer {
 public:
  LakeHealer(const Config& config, const DataFolder& folder, const warehouse::Project& project, bool give_up)
      : config_(config),
        folder_(folder),
        project_(project),
        give_up_(give_up),
        lake_(io::RealPath(config.paths.Lake())) {}

  Result<HealOutcome> Heal(const DamagedFile& file);
  // Tables that went back to another version, some of whose files may be damaged too.
  const std::set<std::string>& went_back() const { return went_back_; }

 private:
  Result<HealOutcome> HealData(const DamagedFile& file, const warehouse::Model& model) const;
  Result<HealOutcome> HealMetadata(const std::string& table, const warehouse::Model& model);
  Result<HealOutcome> LandFileAgain(const DamagedFile& file) const;
  Result<HealOutcome> GiveUp(const DamagedFile& file, const Error& why) const;
  Result<lake::FoundTable> FindWhole(const std::string& table) const;
  Result<HealOutcome> GoBackAndLand(const std::string& table);
  Result<HealOutcome> GoBackAndForget(const std::string& table, const warehouse::Model& model);
  Status TakeOut(const DamagedFile& file) const;
  Result<HealOutcome> ForgetDay(const DamagedFile& file, const warehouse::Model& model) const;
  HealOutcome Recover() const;
  HealOutcome Rebuild(std::string_view option) const;

  const Config& config_;
  const DataFolder& folder_;
  const warehouse::Project& project_;
  const bool give_up_;
  const std::string lake_;  // as tables' own files name it
  SystemClock clock_;
  std::set<std::string> metadata_healed_;  // tables
  std::set<std::string> went_back_;
};

}  // namespace feedmill::app
