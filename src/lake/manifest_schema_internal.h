// The Avro schemas of manifests and manifest lists. For the manifest codecs.
#pragma once

#include <string>
#include <vector>

#include "lake/metadata.h"

namespace feedmill::lake {

// Field ids by name (specification, "Manifests" and "Manifest Lists").
namespace entry_field {
inline constexpr int kStatus = 0, kSnapshotId = 1, kDataFile = 2, kSequenceNumber = 3, kFileSequenceNumber = 4;
}
namespace file_field {
inline constexpr int kPath = 100, kFormat = 101, kPartition = 102, kRecordCount = 103, kSize = 104, kColumnSizes = 108,
                     kValueCounts = 109, kNullCounts = 110, kLowerBounds = 125, kUpperBounds = 128, kSplitOffsets = 132,
                     kContent = 134, kNanCounts = 137, kSortOrderId = 140;
// Not of the specification: readers leave out what they do not know.
inline constexpr int kCrc32c = 1'000'000'001;
}  // namespace file_field
namespace list_field {
inline constexpr int kPath = 500, kLength = 501, kSpecId = 502, kAddedSnapshotId = 503, kAddedFiles = 504,
                     kExistingFiles = 505, kDeletedFiles = 506, kPartitions = 507, kContainsNull = 509,
                     kLowerBound = 510, kUpperBound = 511, kAddedRows = 512, kExistingRows = 513, kDeletedRows = 514,
                     kSequenceNumber = 515, kMinSequenceNumber = 516, kContent = 517, kContainsNan = 518;
inline constexpr int kCrc32c = 1'000'000'002;  // not of the specification
}  // namespace list_field

// The order of fields is the order in which the codecs write them.
std::string ManifestEntrySchema(const std::vector<PartitionType>& partition);
std::string ManifestListSchema();

}  // namespace feedmill::lake
