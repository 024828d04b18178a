// What the warehouse works with; owned by whoever wires the rooms.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "io/file_system.h"
#include "lake/catalog.h"
#include "meta/store.h"

namespace feedmill::warehouse {

struct Context {
  io::FileSystem& files;
  lake::Catalog& catalog;
  meta::Store& store;  // with WarehouseMigrations() and jobs::JobsMigrations()
  const Clock& clock;
  std::string project_folder;
  std::string temporary_directory;  // for what does not fit into memory
  int threads = 2;
  // A run that makes tables beside the published ones (lake/run_tables.h) keeps interval records of its own for them.
  std::string staged_run = {};
  std::vector<std::string> staged_tables = {};
};

}  // namespace feedmill::warehouse
