// What a table's versions consist of, and whether it is there as it was written.
#pragma once

#include <string>

#include "base/result.h"
#include "io/file_system.h"
#include "lake/table.h"

namespace feedmill::lake {

// Reads the metadata file at `path` and every manifest list and manifest of its snapshots, the current one first.
Result<Inventory> TakeInventory(io::FileSystem& files, const std::string& path);

// CRC-32C over a whole file, read in pieces.
Result<uint32_t> FileCrc32c(io::FileSystem& files, const std::string& path);

// Reads a data file: kCorrupt names it when its size or checksum are not those it was committed with, kNotFound when it
// is not there. One without a checksum is only measured.
Status CheckDataFile(io::FileSystem& files, const std::string& path, int64_t size_bytes,
                     std::optional<uint32_t> crc32c);

}  // namespace feedmill::lake
