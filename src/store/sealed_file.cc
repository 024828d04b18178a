#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/hash.h"
#include "store/sealed_file_internal.h"

namespace feedmill::store {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little endian and read in place");

constexpr size_t kHeaderChecksumAt = kSealedHeaderBytes - sizeof(uint32_t);
constexpr size_t kWriteBytes = 1 << 20;

struct Header {
  char magic[8];
  uint32_t version;
  uint32_t block_bytes;
  uint64_t file_bytes;
  uint32_t section_count;
  uint32_t table_checksum;
  struct {
    uint64_t offset;
    uint64_t size;
  } sections[kSealedSectionsMax];
  uint32_t unused[23];
  uint32_t header_checksum;
};
static_assert(sizeof(Header) == kSealedHeaderBytes);

std::string_view Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

uint64_t BlockCount(uint64_t body_bytes) { return (body_bytes + kSealedBlockBytes - 1) / kSealedBlockBytes; }

// Bytes of sections in a file of `file_bytes`, found from: header + body + 4 * blocks(body) = file.
uint64_t BodyBytes(uint64_t file_bytes) {
  const uint64_t rest = file_bytes - kSealedHeaderBytes;
  const uint64_t blocks = (rest + kSealedBlockBytes + sizeof(uint32_t) - 1) / (kSealedBlockBytes + sizeof(uint32_t));
  return rest - blocks * sizeof(uint32_t);
}

Status CheckHeader(const Header& header, std::span<const std::byte> bytes, std::string_view magic, uint32_t version,
                   size_t section_count) {
  if (std::string_view(header.magic, sizeof header.magic) != magic) {
    return Corrupt("offset 0: the file does not begin with '{}'", magic);
  }
  if (header.header_checksum != Crc32c(Text(bytes.first(kHeaderChecksumAt)))) {
    return Corrupt("offset {}: checksum of the header is wrong", kHeaderChecksumAt);
  }
  if (header.version != version) return Corrupt("offset 8: version {}; this program reads {}", header.version, version);
  if (header.block_bytes != kSealedBlockBytes) {
    return Corrupt("offset 12: block size {}; allowed is {}", header.block_bytes, kSealedBlockBytes);
  }
  if (header.file_bytes != bytes.size()) {
    return Corrupt("offset 16: the header says {} bytes, the file has {}", header.file_bytes, bytes.size());
  }
  if (header.section_count != section_count) {
    return Corrupt("offset 24: {} sections; allowed are {}", header.section_count, section_count);
  }
  return Ok();
}

Status CheckBlocks(const Header& header, std::span<const std::byte> bytes, uint64_t body_bytes) {
  const auto table = bytes.subspan(kSealedHeaderBytes + body_bytes);
  if (table.size() != BlockCount(body_bytes) * sizeof(uint32_t)) {
    return Corrupt("offset 16: {} bytes cannot be the size of such a file", bytes.size());
  }
  if (Crc32c(Text(table)) != header.table_checksum)
    return Corrupt("offset 28: checksum of the checksum table is wrong");
  for (uint64_t block = 0; block * kSealedBlockBytes < body_bytes; ++block) {
    const uint64_t at = block * kSealedBlockBytes;
    const uint64_t size = std::min<uint64_t>(kSealedBlockBytes, body_bytes - at);
    uint32_t expected;
    std::memcpy(&expected, table.data() + block * sizeof expected, sizeof expected);
    if (Crc32c(Text(bytes.subspan(kSealedHeaderBytes + at, size))) != expected) {
      return Corrupt("offset {}: checksum of block {} ({} bytes) is wrong", kSealedHeaderBytes + at, block, size);
    }
  }
  return Ok();
}

uint64_t Padded(uint64_t size) { return (size + kSealedAlignment - 1) / kSealedAlignment * kSealedAlignment; }

// One checksum a block of the pieces in a row.
std::vector<uint32_t> BlockChecksums(std::span<const std::string_view> pieces) {
  std::vector<uint32_t> table;
  uint32_t checksum = 0;
  size_t in_block = 0;
  for (std::string_view bytes : pieces) {
    while (!bytes.empty()) {
      const size_t piece = std::min<size_t>(bytes.size(), kSealedBlockBytes - in_block);
      checksum = Crc32c(bytes.substr(0, piece), checksum);
      in_block += piece;
      bytes.remove_prefix(piece);
      if (in_block < kSealedBlockBytes) continue;
      table.push_back(checksum);
      checksum = 0;
      in_block = 0;
    }
  }
  if (in_block > 0) table.push_back(checksum);
  return table;
}

Status WriteTo(io::FileSystem& files, const std::string& path, std::span<const std::string_view> pieces) {
  FEEDMILL_ASSIGN(auto file, files.CreateTruncated(path));
  for (std::string_view bytes : pieces) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kWriteBytes))) {
      FEEDMILL_TRY(file->Append(bytes.substr(0, kWriteBytes)));
    }
  }
  FEEDMILL_TRY(file->Sync());
  return file->Close();
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::vector<std::span<const std::byte>>> ParseSealedFile(std::span<const std::byte> bytes,
                                                                std::string_view magic, uint32_t version,
                                                                size_t section_count) {
  if (bytes.size() < kSealedHeaderBytes) {
    return Corrupt("offset 0: {} bytes; a header alone has {}", bytes.size(), kSealedHeaderBytes);
  }
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  FEEDMILL_TRY(CheckHeader(header, bytes, magic, version, section_count));
  const uint64_t body_bytes = BodyBytes(bytes.size());
  FEEDMILL_TRY(CheckBlocks(header, bytes, body_bytes));
  std::vector<std::span<const std::byte>> sections;
  const uint64_t end = kSealedHeaderBytes + body_bytes;
  for (size_t i = 0; i < section_count; ++i) {
    const auto [offset, size] = header.sections[i];
    if (offset % kSealedAlignment != 0 || offset < kSealedHeaderBytes || offset > end || size > end - offset) {
      return Corrupt("offset {}: section {} at {} of {} bytes leaves the body {}..{}", 32 + i * 16, i, offset, size,
                     kSealedHeaderBytes, end);
    }
    sections.push_back(bytes.subspan(offset, size));
  }
  return sections;
}

Result<SealedFile> SealedFile::Open(std::unique_ptr<io::MappedFile> mapping, std::string_view magic, uint32_t version,
                                    size_t section_count) {
  SealedFile file;
  FEEDMILL_ASSIGN(file.sections_, ParseSealedFile(mapping->bytes(), magic, version, section_count));
  file.mapping_ = std::move(mapping);
  return file;
}

Status WriteSealedFile(io::FileSystem& files, const std::string& path, std::string_view magic, uint32_t version,
                       std::span<const std::string_view> sections) {
  static constexpr std::array<char, kSealedAlignment> kZeros{};
  Header header{};
  std::memcpy(header.magic, magic.data(), sizeof header.magic);
  header.version = version;
  header.block_bytes = kSealedBlockBytes;
  header.section_count = static_cast<uint32_t>(sections.size());
  std::vector<std::string_view> pieces{std::string_view()};  // the header, known last
  uint64_t at = kSealedHeaderBytes;
  for (size_t i = 0; i < sections.size(); ++i) {
    header.sections[i] = {at, sections[i].size()};
    pieces.push_back(sections[i]);
    pieces.emplace_back(kZeros.data(), Padded(sections[i].size()) - sections[i].size());
    at += Padded(sections[i].size());
  }
  const std::vector<uint32_t> table = BlockChecksums(std::span(pieces).subspan(1));
  pieces.push_back(AsBytes(table));
  header.file_bytes = at + table.size() * sizeof(uint32_t);
  header.table_checksum = Crc32c(AsBytes(table));
  header.header_checksum = Crc32c({reinterpret_cast<const char*>(&header), kHeaderChecksumAt});
  pieces[0] = {reinterpret_cast<const char*>(&header), sizeof header};

  const std::string temporary = path + ".tmp";
  if (auto written = WriteTo(files, temporary, pieces); !written) {
    (void)files.Remove(temporary);  // what went wrong first is what the caller must hear
    return std::unexpected(written.error().WithContext(temporary));
  }
  FEEDMILL_TRY(files.Rename(temporary, path));
  return files.SyncDirectory(FolderOf(path));
}

MemoryMapping::MemoryMapping(std::string_view content)
    : aligned_((content.size() + kSealedAlignment - 1) / kSealedAlignment), size_(content.size()) {
  if (!content.empty()) std::memcpy(aligned_.data(), content.data(), content.size());
}

void ResealForTest(std::string* bytes) {
  if (bytes->size() < kSealedHeaderBytes) return;
  Header header;
  std::memcpy(&header, bytes->data(), sizeof header);
  header.block_bytes = kSealedBlockBytes;
  header.file_bytes = bytes->size();
  const uint64_t body_bytes = BodyBytes(bytes->size());
  const std::string_view body = std::string_view(*bytes).substr(kSealedHeaderBytes, body_bytes);
  const std::vector<uint32_t> table = BlockChecksums(std::span(&body, 1));
  const size_t table_at = kSealedHeaderBytes + body_bytes;
  const size_t table_bytes = std::min(bytes->size() - table_at, table.size() * sizeof(uint32_t));
  if (table_bytes > 0) std::memcpy(bytes->data() + table_at, table.data(), table_bytes);
  header.table_checksum = Crc32c(std::string_view(*bytes).substr(table_at));
  header.header_checksum = Crc32c({reinterpret_cast<const char*>(&header), kHeaderChecksumAt});
  std::memcpy(bytes->data(), &header, sizeof header);
}

}  // namespace feedmill::store
