// The parts of one night, gathered into a sealed bundle folder.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "domain/domain.h"
#include "io/file_system.h"
#include "query/engine.h"
#include "registry/registry.h"

namespace feedmill::train {

struct BundleInput {
  std::string work_folder;     // <data>/tmp/training-<cut>, with the parts rank and als
  std::string bundles_folder;  // <data>/bundles
  Micros cut = 0;
  std::vector<std::string> tables;  // of lists, by their last names
  domain::ItemKind shown;           // whose id and category the lists' columns are named after
};

struct BuiltBundle {
  registry::BundleManifest manifest;
  std::string folder;
};

// Lists come from those of ads_recall_i2i, ads_recall_u2u_cf and ads_trending that `input` names, which the session
// must know; the others are empty. Adds nothing to the registry. Building the same night again gives the same id and
// leaves the folder that is there.
Result<BuiltBundle> BuildBundle(io::FileSystem& files, query::Session& session, const BundleInput& input,
                                const std::function<void(double, std::string_view)>& on_progress);

}  // namespace feedmill::train
