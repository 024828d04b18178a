// The catalog's rows, made again from the tables' own files when the metadata store is lost.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/file_system.h"
#include "lake/pointer_store.h"
#include "meta/store.h"

namespace feedmill::lake {

// The name of some table that has files below `warehouse`; nothing when there is none.
Result<std::optional<std::string>> FindOneTable(io::FileSystem& files, const std::string& warehouse);

struct FoundTable {
  std::string name;
  std::string pointer;  // of the newest version that is whole; "" when none is
  std::optional<int64_t> snapshot_id;
  int64_t rows = 0;
  std::map<std::string, Offsets> landed;   // by stream: where the landings of that version ended
  int64_t writer_epoch = 0;                // the largest that wrote into it
  std::vector<std::string> damaged_newer;  // why other versions were left aside
};

// Of every table the newest metadata file whose snapshot can be read: manifest list and manifests whole, data files
// there and as long as they should be. A version that was written whole but never published is taken too: its offsets
// come with it, so nothing is landed twice.
Result<std::vector<FoundTable>> FindTables(io::FileSystem& files, const std::string& warehouse);

// Writes them into a store without tables. kAlreadyExists when it has some.
Status KeepTables(meta::Store& store, const std::vector<FoundTable>& tables);

}  // namespace feedmill::lake
