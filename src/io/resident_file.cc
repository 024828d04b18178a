#include "io/resident_file.h"

#include <sys/mman.h>

#include <cstring>

namespace feedmill::io {
namespace {

constexpr size_t kHugePageBytes = 2 << 20;
constexpr size_t kPieceBytes = 1 << 20;

class ResidentFile final : public MappedFile {
 public:
  explicit ResidentFile(size_t size) : size_(size) {
    if (size == 0) return;
    reserved_ = (size + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes + kHugePageBytes;
    address_ = ::mmap(nullptr, reserved_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address_ == MAP_FAILED) return;
    const auto begin = reinterpret_cast<uintptr_t>(address_);
    bytes_ = reinterpret_cast<std::byte*>((begin + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes);
    (void)::madvise(address_, reserved_, MADV_HUGEPAGE);  // a wish: without huge pages it works as well, slower
  }
  ~ResidentFile() override {
    if (bytes_ != nullptr) ::munmap(address_, reserved_);
  }

  std::span<const std::byte> bytes() const override { return {bytes_, size_}; }

  Status Fill(const ReadableFile& file) {
    if (size_ > 0 && bytes_ == nullptr) return ResourceExhausted("no memory for {} bytes", size_);
    std::string piece;
    for (size_t done = 0; done < size_; done += piece.size()) {
      FEEDMILL_TRY(file.ReadAt(done, std::min(kPieceBytes, size_ - done), &piece));
      if (piece.empty())
        return Unavailable("the file ends at byte {}; it had {} bytes when it was opened", done, size_);
      std::memcpy(bytes_ + done, piece.data(), piece.size());
    }
    if (size_ > 0) (void)::mprotect(address_, reserved_, PROT_READ);
    return Ok();
  }

 private:
  size_t size_ = 0;
  size_t reserved_ = 0;
  void* address_ = nullptr;
  std::byte* bytes_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<MappedFile>> LoadResident(FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(const auto file, files.OpenForRead(path));
  FEEDMILL_ASSIGN(const uint64_t size, file->Size());
  auto resident = std::make_unique<ResidentFile>(size);
  if (Status filled = resident->Fill(*file); !filled) return std::unexpected(filled.error().WithContext(path));
  return resident;
}

}  // namespace feedmill::io
