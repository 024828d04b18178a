// Files of the operating system.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <dirent.h>

#include "io/file_system.h"
#include "io/own_file.h"

namespace feedmill::io {
namespace {

constexpr mode_t kFileMode = 0644;

// An errno as an error that names the call and the path.
std::unexpected<Error> Failed(std::string_view call, const std::string& path, int number = errno) {
  ErrorKind kind = ErrorKind::kIo;
  if (number == ENOENT || number == ENOTDIR) kind = ErrorKind::kNotFound;
  if (number == EEXIST) kind = ErrorKind::kAlreadyExists;
  if (number == EACCES || number == EPERM || number == EROFS) kind = ErrorKind::kPermissionDenied;
  return Fail(kind, "{} {}: {}", call, path, std::strerror(number));
}

Status Checked(int result, std::string_view call, const std::string& path) {
  if (result != 0) return Failed(call, path);
  return Ok();
}

// Closes on destruction.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  int Release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

Result<Descriptor> Open(const std::string& path, int flags) {
  int number = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
  if (number < 0) return Failed("open", path);
  return Descriptor(number);
}

Result<uint64_t> SizeOf(const Descriptor& file, const std::string& path) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return Failed("fstat", path);
  return static_cast<uint64_t>(info.st_size);
}

std::string ParentOf(const std::string& path) {
  std::string parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor file, uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size) {}

  Status Append(std::string_view bytes) override {
    if (failed_) return Io("append {}: an earlier sync or write failed; reopen the file", path_);
    while (!bytes.empty()) {
      ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        failed_ = true;
        return Failed("write", path_);
      }
      size_ += static_cast<uint64_t>(written);
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return Ok();
  }

  Status Sync() override {
    if (failed_) return Io("fdatasync {}: an earlier sync or write failed; reopen the file", path_);
    if (::fdatasync(file_.get()) == 0) return Ok();
    failed_ = true;
    return Failed("fdatasync", path_);
  }

  Status Close() override {
    int number = file_.Release();
    if (number < 0) return Ok();
    return Checked(::close(number), "close", path_);
  }

  uint64_t Size() const override { return size_; }

 private:
  const std::string path_;
  Descriptor file_;
  uint64_t size_;
  bool failed_ = false;
};

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}

  Status ReadAt(uint64_t offset, size_t length, std::string* out) const override {
    out->resize(length);
    size_t done = 0;
    while (done < length) {
      ssize_t got = ::pread(file_.get(), out->data() + done, length - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Failed("pread", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    out->resize(done);
    return Ok();
  }

  Result<uint64_t> Size() const override { return SizeOf(file_, path_); }

 private:
  const std::string path_;
  Descriptor file_;
};

class PosixMappedFile final : public MappedFile {
 public:
  PosixMappedFile(void* address, size_t size) : address_(address), size_(size) {}
  ~PosixMappedFile() override {
    if (size_ > 0) ::munmap(address_, size_);
  }
  std::span<const std::byte> bytes() const override { return {static_cast<const std::byte*>(address_), size_}; }

 private:
  void* address_;
  size_t size_;
};

class PosixFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> OpenForAppend(const std::string& path) override {
    FEEDMILL_TRY(GiveOwnFile(path));
    FEEDMILL_ASSIGN(Descriptor file, Open(path, O_WRONLY | O_CREAT | O_APPEND));
    FEEDMILL_ASSIGN(uint64_t size, SizeOf(file, path));
    return std::make_unique<PosixWritableFile>(path, std::move(file), size);
  }
  Result<std::unique_ptr<WritableFile>> CreateTruncated(const std::string& path) override {
    FEEDMILL_TRY(GiveOwnFile(path));
    FEEDMILL_ASSIGN(Descriptor file, Open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND));
    return std::make_unique<PosixWritableFile>(path, std::move(file), 0);
  }
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    FEEDMILL_ASSIGN(Descriptor file, Open(path, O_RDONLY));
    return std::make_unique<PosixReadableFile>(path, std::move(file));
  }
  Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    FEEDMILL_ASSIGN(Descriptor file, Open(path, O_RDONLY));
    FEEDMILL_ASSIGN(uint64_t size, SizeOf(file, path));
    if (size == 0) return std::make_unique<PosixMappedFile>(nullptr, 0);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (address == MAP_FAILED) return Failed("mmap", path);
    return std::make_unique<PosixMappedFile>(address, size);
  }
  Status Truncate(const std::string& path, uint64_t size) override {
    FEEDMILL_TRY(GiveOwnFile(path));
    FEEDMILL_ASSIGN(Descriptor file, Open(path, O_WRONLY));
    FEEDMILL_TRY(Checked(::ftruncate(file.get(), static_cast<off_t>(size)), "ftruncate", path));
    return Checked(::fsync(file.get()), "fsync", path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return Checked(::rename(from.c_str(), to.c_str()), "rename", from + " to " + to);
  }
  Status Remove(const std::string& path) override { return Checked(::unlink(path.c_str()), "unlink", path); }
  Status CreateDirectories(const std::string& path) override;
  Status RemoveAll(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return Failed("remove", path, error.value());
    return Ok();
  }
  Status SyncDirectory(const std::string& path) override {
    FEEDMILL_ASSIGN(Descriptor directory, Open(path, O_RDONLY | O_DIRECTORY));
    return Checked(::fsync(directory.get()), "fsync", path);
  }
  Status SyncFile(const std::string& path) override {
    FEEDMILL_ASSIGN(Descriptor file, Open(path, O_RDONLY));
    return Checked(::fsync(file.get()), "fsync", path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override;
  Result<bool> Exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return Failed("stat", path);
  }
  Result<uint64_t> FileSize(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) return Failed("stat", path);
    return static_cast<uint64_t>(info.st_size);
  }
};

// Each directory made is synced into its parent, so that none of them is lost with what is put into it.
Status PosixFiles::CreateDirectories(const std::string& path) {
  if (path.empty() || path == "/" || path == ".") return Ok();
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return Ok();
    return AlreadyExists("mkdir {}: found a file, allowed a directory", path);
  }
  bool slash_at_end = path.ends_with('/');
  if (slash_at_end) return CreateDirectories(path.substr(0, path.size() - 1));
  FEEDMILL_TRY(CreateDirectories(ParentOf(path)));
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return Failed("mkdir", path);
  return SyncDirectory(ParentOf(path));
}

Result<std::vector<std::string>> PosixFiles::List(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return Failed("opendir", path);
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = ::readdir(directory)) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  int number = errno;
  ::closedir(directory);
  if (number != 0) return Failed("readdir", path, number);
  std::ranges::sort(names);
  return names;
}

}  // namespace

FileSystem& PosixFileSystem() {
  static PosixFiles* files = new PosixFiles;
  return *files;
}

}  // namespace feedmill::io
