// Any bytes as a segment: reading ends in groups or in kCorrupt, and stays inside the bytes.
#include <cstdint>
#include <cstdlib>

#include "ingest/segment_internal.h"

namespace {

class BytesFile final : public feedmill::io::ReadableFile {
 public:
  explicit BytesFile(std::string_view bytes) : bytes_(bytes) {}
  feedmill::Status ReadAt(uint64_t offset, size_t length, std::string* out) const override {
    *out = offset < bytes_.size() ? std::string(bytes_.substr(offset, length)) : "";
    return feedmill::Ok();
  }
  feedmill::Result<uint64_t> Size() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace feedmill::ingest;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Without a right checksum no header would pass: a good header goes in front, so that groups are reached.
  SegmentHeader header{0, 0, 0, 0};
  std::string text = EncodeSegmentHeader(header) + std::string(bytes);
  static_cast<void>(DecodeSegmentHeader(bytes));
  auto scan = ScanSegment(BytesFile(text), "fuzz", header, text.size());
  if (scan && scan->valid_bytes > text.size()) std::abort();
  if (!scan && scan.error().kind() != feedmill::ErrorKind::kCorrupt) std::abort();
  if (!bytes.empty()) static_cast<void>(VisitRecords(bytes.substr(1), data[0], [](std::string_view) {}));
  return 0;
}
