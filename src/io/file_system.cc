#include "io/file_system.h"

namespace feedmill::io {
namespace {

std::string ParentOf(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status WriteNew(FileSystem& files, const std::string& path, std::string_view content) {
  FEEDMILL_ASSIGN(std::unique_ptr<WritableFile> file, files.CreateTruncated(path));
  FEEDMILL_TRY(file->Append(content));
  FEEDMILL_TRY(file->Sync());
  return file->Close();
}

}  // namespace

Result<std::string> ReadWholeFile(FileSystem& files, const std::string& path) {
  FEEDMILL_ASSIGN(std::unique_ptr<ReadableFile> file, files.OpenForRead(path));
  FEEDMILL_ASSIGN(uint64_t size, file->Size());
  std::string content;
  FEEDMILL_TRY(file->ReadAt(0, size, &content));
  return content;
}

Status WriteFileAtomically(FileSystem& files, const std::string& path, std::string_view content) {
  std::string temporary = path + ".tmp";
  FEEDMILL_TRY(WriteNew(files, temporary, content));
  FEEDMILL_TRY(files.Rename(temporary, path));
  return files.SyncDirectory(ParentOf(path));
}

}  // namespace feedmill::io
