// The catalog's rows, made again from the tables' own files when the metadata store is lost; one table's, when the
// metadata of its current version is damaged.
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

// The same of one table. kNotFound when it has no files.
Result<FoundTable> FindTable(io::FileSystem& files, const std::string& warehouse, const std::string& name);

// A version that FindTable found takes the place of the current one, whose metadata is damaged: metadata file (written
// anew, without former snapshots that cannot be read), pointer and landed offsets, in one transaction. What was
// committed after it is gone from the table, and is its maker's to make again: records that had landed land again. No
// writer may have the table open.
Status GoBack(io::FileSystem& files, meta::Store& store, const std::string& warehouse, const FoundTable& version);

// Writes them into a store without tables. kAlreadyExists when it has some.
Status KeepTables(meta::Store& store, const std::vector<FoundTable>& tables);
// Writes the table's rows in place of those it had: its batches are forgotten, since they may be landed again.
Status ReplaceTable(meta::Store& store, const FoundTable& table);

}  // namespace feedmill::lake
