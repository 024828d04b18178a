// A whole file copied into memory of our own, on huge pages where the system grants them: for what is read at random
// places all day, where a mapping of 4 KiB pages would pay an address translation for every read.
#pragma once

#include <memory>
#include <string>

#include "io/file_system.h"

namespace feedmill::io {

// Reads the file at `path` once; later changes of the file are not seen. The bytes begin on a page and are read-only.
Result<std::unique_ptr<MappedFile>> LoadResident(FileSystem& files, const std::string& path);

}  // namespace feedmill::io
