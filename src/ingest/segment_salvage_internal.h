// What can still be read of a damaged segment, and which records are gone. Pure but for the file that is written.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/log.h"
#include "ingest/segment_internal.h"

namespace feedmill::ingest {

// Records side by side in the damaged file, or (without a body) records that are gone.
struct SegmentPiece {
  uint64_t first_offset = 0;
  uint64_t record_count = 0;
  Micros append_time = 0;
  std::string_view body;
  bool known = false;  // of gone ones: the segment had them as a hole already
};

// The header, after mending one flipped bit if need be. What follows proves it: group headers are checksummed with the
// salt that it holds.
std::optional<SegmentHeader> SalvageHeader(std::string_view bytes);

// Pieces of the whole file `bytes`, without gaps from the header's first record on. `end_offset`: where the next
// segment begins; nothing for the last one, whose torn tail is left out as at any start. Views into `bytes`.
std::vector<SegmentPiece> SalvageRecords(std::string_view bytes, const SegmentHeader& header,
                                         std::optional<uint64_t> end_offset);

// Of the records that are gone now.
std::vector<OffsetRange> LostRanges(const std::vector<SegmentPiece>& pieces);

// Writes a new segment of the pieces, sealed and synced; the folder is not.
Status WriteSegment(io::FileSystem& files, const std::string& path, const SegmentHeader& header,
                    const std::vector<SegmentPiece>& pieces);

}  // namespace feedmill::ingest
