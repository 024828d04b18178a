// A project folder: what engineers of an app change without writing C++, and its data folder.
#pragma once

#include <span>
#include <string>

#include "base/embedded_page.h"
#include "base/result.h"
#include "cli/connection.h"
#include "io/file_system.h"

namespace feedmill::app {

// Where things stand below a project folder and its data folder.
struct ProjectPaths {
  std::string project;
  std::string data;

  std::string Settings() const { return project + "/feedmill.toml"; }
  std::string Events() const { return project + "/events"; }
  std::string Warehouse() const { return project + "/warehouse"; }
  std::string Domain() const { return project + "/domain.toml"; }
  std::string Features() const { return project + "/features"; }
  std::string Models() const { return project + "/models"; }
  std::string Feed() const { return project + "/feed"; }
  std::string Log() const { return data + "/log"; }
  std::string Lake() const { return data + "/lake"; }
  std::string MetaStore() const { return data + "/meta.db"; }
  std::string State() const { return data + "/state"; }
  std::string FeatureCheckpoints() const { return data + "/features"; }
  std::string RebuiltFeatures() const { return data + "/features.rebuilt"; }  // of a rebuild under way
  std::string Bundles() const { return data + "/bundles"; }
  std::string Runs() const { return data + "/runs"; }
  std::string ServerLog() const { return data + "/logs/server.log"; }
  std::string Temporary() const { return data + "/tmp"; }
  std::string Damaged() const { return data + "/damaged"; }
};

// Writes these files. kAlreadyExists when the folder has anything in it.
Status InitProject(const std::string& folder, std::span<const EmbeddedPage> files);

// Makes the data folder, for its owner alone: it holds personal data. What this process makes from now on, and its
// children, is its owner's alone too.
Status MakeDataFolder(const std::string& data_folder);

// Reads the keys of the data folder; makes them on the first start (mode 0600). `created` says which it was.
Result<cli::Keys> EnsureKeys(const std::string& data_folder, bool* created);
// Puts these in their place, durable, mode 0600.
Status WriteKeys(const std::string& data_folder, const cli::Keys& keys);

// Held while a server or a rebuild works in the data folder; released by destruction or the process's end.
class DataFolderLock {
 public:
  static Result<DataFolderLock> Take(const std::string& data_folder);
  DataFolderLock(DataFolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  DataFolderLock& operator=(DataFolderLock&&) = delete;
  ~DataFolderLock();

 private:
  explicit DataFolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace feedmill::app
