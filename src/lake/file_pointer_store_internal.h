// The pointer store of crash tests: SQLite cannot run over the harsh file system, so its one promise, that a
// transaction is atomic and durable, is kept here by one small file that is replaced whole. For tests.
#pragma once

#include <memory>

#include "io/file_system.h"
#include "lake/pointer_store.h"

namespace feedmill::lake {

// Keeps its state in <folder>/pointers.json, which it reads anew at each call. `files` outlives it.
std::unique_ptr<PointerStore> MakeFilePointerStore(io::FileSystem& files, std::string folder);

}  // namespace feedmill::lake
