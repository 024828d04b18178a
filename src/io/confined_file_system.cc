#include "io/confined_file_system.h"

#include <algorithm>
#include <filesystem>

#include <fmt/ranges.h>

namespace feedmill::io {

std::string RealPath(const std::string& path) {
  std::error_code error;
  std::filesystem::path real = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  if (error) real = std::filesystem::absolute(path).lexically_normal();
  std::string text = real.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

bool LiesBelow(const std::string& path, const std::string& folder) {
  if (folder == "/") return path.size() > 1;
  return path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/';
}

namespace {

// Where the name itself stands: a link at its end is not followed, since what is removed or renamed is the link.
std::string PlaceOf(const std::string& path) {
  const std::filesystem::path place(path);
  const std::string name = place.filename().string();
  if (name.empty() || name == "." || name == "..") return RealPath(path);
  return RealPath(place.parent_path().string()) + "/" + name;
}

}  // namespace

ConfinedFileSystem::ConfinedFileSystem(FileSystem& files, const std::vector<std::string>& folders) : files_(files) {
  for (const std::string& folder : folders) folders_.push_back(RealPath(folder));
}

Status ConfinedFileSystem::Check(std::string_view call, const std::string& path, Ending ending) const {
  const std::string real = ending == Ending::kNotFollowed ? PlaceOf(path) : RealPath(path);
  const bool inside = std::ranges::any_of(folders_, [&](const std::string& folder) {
    return LiesBelow(real, folder) || (ending == Ending::kOrFolder && real == folder);
  });
  if (inside) return Ok();
  return PermissionDenied("{} {}: the path is outside of {}; nothing there is changed", call, path,
                          fmt::join(folders_, ", "));
}

Result<std::unique_ptr<WritableFile>> ConfinedFileSystem::OpenForAppend(const std::string& path) {
  FEEDMILL_TRY(Check("open", path));
  return files_.OpenForAppend(path);
}

Result<std::unique_ptr<WritableFile>> ConfinedFileSystem::CreateTruncated(const std::string& path) {
  FEEDMILL_TRY(Check("open", path));
  return files_.CreateTruncated(path);
}

Status ConfinedFileSystem::Truncate(const std::string& path, uint64_t size) {
  FEEDMILL_TRY(Check("truncate", path));
  return files_.Truncate(path, size);
}

Status ConfinedFileSystem::Rename(const std::string& from, const std::string& to) {
  FEEDMILL_TRY(Check("rename", from, Ending::kNotFollowed));
  FEEDMILL_TRY(Check("rename", to, Ending::kNotFollowed));
  return files_.Rename(from, to);
}

Status ConfinedFileSystem::Remove(const std::string& path) {
  FEEDMILL_TRY(Check("unlink", path, Ending::kNotFollowed));
  return files_.Remove(path);
}

Status ConfinedFileSystem::CreateDirectories(const std::string& path) {
  FEEDMILL_TRY(Check("mkdir", path, Ending::kOrFolder));
  return files_.CreateDirectories(path);
}

Status ConfinedFileSystem::RemoveAll(const std::string& path) {
  FEEDMILL_TRY(Check("remove", path, Ending::kNotFollowed));
  return files_.RemoveAll(path);
}

}  // namespace feedmill::io
