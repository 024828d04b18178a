#include "app/folder_identity.h"

#include <filesystem>

#include <nlohmann/json.hpp>

#include "base/secret.h"
#include "io/confined_file_system.h"

namespace feedmill::app {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;
constexpr size_t kIdLetters = 20;
// What a data folder is made of; parts that are not there are no fault.
constexpr const char* kParts[] = {"lake", "log", "state", "bundles", "features", "runs", "tmp", "secrets", "meta.db"};

std::string IdentityPath(const std::string& data_folder) { return data_folder + "/identity.json"; }

bool SameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error) && !error;
}

// The original is still there.
Status RefuseShared(const std::string& data_folder, const std::string& former) {
  if (SameFile(data_folder + "/meta.db", former + "/meta.db")) {
    return InvalidArgument(
        "{} shares its files with {} (hard links): working in one would change the other; nothing was changed. "
        "`feedmill fork` of the one that was there first makes a copy with files of its own",
        data_folder, former);
  }
  const std::string real = io::RealPath(data_folder);
  for (const char* part : kParts) {
    const std::string leads_to = io::RealPath(data_folder + "/" + part);
    if (io::LiesBelow(leads_to, real)) continue;
    return InvalidArgument(
        "{}/{} is a link to {}, and {} is still there: a copy must have its own; nothing was changed. `feedmill fork` "
        "of the one that was there first makes a copy with files of its own",
        data_folder, part, leads_to, former);
  }
  return Ok();
}

// Parts may lie on other disks, but not in other data folders.
Status RefuseForeign(const std::string& data_folder) {
  const std::string real = io::RealPath(data_folder);
  for (const char* part : kParts) {
    const std::string leads_to = io::RealPath(data_folder + "/" + part);
    if (io::LiesBelow(leads_to, real)) continue;
    const std::string around = std::filesystem::path(leads_to).parent_path().string();
    const auto other = ReadIdentity(around);
    if (other && !*other) continue;
    return InvalidArgument(
        "{}/{} is a link to {}, a part of another data folder: working in one would change the other; nothing was "
        "changed. `feedmill fork` of that project makes a copy with files of its own",
        data_folder, part, leads_to);
  }
  return Ok();
}

}  // namespace

Result<std::optional<FolderIdentity>> ReadIdentity(const std::string& data_folder) {
  io::FileSystem& files = io::PosixFileSystem();
  FEEDMILL_ASSIGN(const bool exists, files.Exists(IdentityPath(data_folder)));
  if (!exists) return std::nullopt;
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(files, IdentityPath(data_folder)));
  const Json json = Json::parse(text, nullptr, false);
  const auto holds = [&](const char* name, Json::value_t type) {
    return json.is_object() && json.contains(name) && json[name].type() == type;
  };
  const bool whole = holds("id", Json::value_t::string) && holds("origin", Json::value_t::string) &&
                     holds("path", Json::value_t::string);
  if (!whole)
    return Corrupt("{}: not the identity of a data folder; remove the file, and the folder gets a new one",
                   IdentityPath(data_folder));
  return FolderIdentity{json["id"].get<std::string>(), json["origin"].get<std::string>(),
                        json["path"].get<std::string>()};
}

FolderIdentity NewIdentity(const std::string& data_folder, const std::string& origin) {
  return {NewSecret(kIdLetters), origin, io::RealPath(data_folder)};
}

Result<Recognised> RecogniseFolder(const std::string& data_folder) {
  const FolderIdentity fresh = NewIdentity(data_folder, "");
  FEEDMILL_ASSIGN(const auto known, ReadIdentity(data_folder));
  if (!known) return Recognised{FolderPlace::kNew, fresh};
  FolderIdentity identity = *known;
  identity.path = fresh.path;
  if (known->path == fresh.path) return Recognised{FolderPlace::kSame, identity};
  // What cannot be read where it was is not there for us; one folder under two names is no copy.
  const auto former = ReadIdentity(known->path);
  const bool there = former && *former && (*former)->id == known->id && !SameFile(known->path, data_folder);
  FEEDMILL_TRY(there ? RefuseShared(data_folder, known->path) : RefuseForeign(data_folder));
  if (!there) return Recognised{FolderPlace::kMoved, identity};
  identity.id = fresh.id;
  identity.origin = known->id;
  return Recognised{FolderPlace::kCopied, identity};
}

Result<FolderIdentity> KeepIdentity(io::FileSystem& files, const std::string& data_folder,
                                    const FolderIdentity& identity) {
  FEEDMILL_ASSIGN(const auto known, ReadIdentity(data_folder));
  if (known && known->path == identity.path) return *known;
  const Json json = {{"format", kFormat}, {"id", identity.id}, {"origin", identity.origin}, {"path", identity.path}};
  FEEDMILL_TRY(io::WriteFileAtomically(files, IdentityPath(data_folder), json.dump(2) + "\n"));
  return identity;
}

}  // namespace feedmill::app
