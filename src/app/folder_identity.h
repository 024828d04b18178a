// Which data folder this is, and whether it is where it was when it was last opened: <data>/identity.json
// (docs/formats/data-folder.md).
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::app {

struct FolderIdentity {
  std::string id;      // new for each folder; a folder that moves keeps it
  std::string origin;  // id of the folder that this one is a copy of; "" when of none
  std::string path;    // where it was when last opened: absolute, links followed
};

enum class FolderPlace {
  kNew,     // never opened, or last by a release that wrote no identity
  kSame,    // where it was
  kMoved,   // elsewhere, and it is not where it was: moved or restored
  kCopied,  // elsewhere, and the folder that it was made from is still there
};

struct Recognised {
  FolderPlace place = FolderPlace::kNew;
  FolderIdentity identity;  // to be kept once the folder was made at home here
};

// Looks and changes nothing. kInvalidArgument when the folder shares files with the one it was copied from (hard links,
// or parts that are links to there): working in it would change both.
Result<Recognised> RecogniseFolder(const std::string& data_folder);

// Durably, unless the folder has one of this very path, which is then answered.
Result<FolderIdentity> KeepIdentity(io::FileSystem& files, const std::string& data_folder,
                                    const FolderIdentity& identity);

// Nothing when the folder has none.
Result<std::optional<FolderIdentity>> ReadIdentity(const std::string& data_folder);

// With a new id.
FolderIdentity NewIdentity(const std::string& data_folder, const std::string& origin);

}  // namespace feedmill::app
