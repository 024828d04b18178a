// Which bundle is live, and the gate it had to pass. A bundle is everything one night made for serving, as one content-hashed folder:
// live as a whole or not at all. This room knows manifests and rows, not what the files mean.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file_system.h"
#include "meta/store.h"

namespace feedmill::registry {

struct BundleFile {
  std::string name;                                // within the folder, no path
  std::string sha256;
  uint64_t size_bytes = 0;
};

struct BundleManifest {
  std::string id;                                  // first 16 hex digits of the SHA-256 of the manifest's canonical text without this key
  Micros created_at = 0;
  Micros data_cut = 0;                             // events earlier than this went in
  std::string feature_set_hash;
  std::map<std::string, double> metrics;           // on the later slice: "auc", "user_auc", "ndcg10", "recall100", "ndcg10_popularity", ...
  std::map<std::string, double> action_weights;    // action -> weight in the final score (hide is negative)
  std::map<std::string, std::pair<double, double>> calibration;  // action -> slope, intercept: p = 1 / (1 + exp(-(slope * raw + intercept)))
  std::vector<BundleFile> files;
};

// Hashes the files of `folder` (all of them durable), fills `files` and `id`, writes manifest.json atomically. The caller then renames the folder to the id.
Status SealBundle(io::FileSystem& files, const std::string& folder, BundleManifest* manifest);
// Reads manifest.json and checks every file's size and SHA-256. kCorrupt names the file and the rule.
Result<BundleManifest> VerifyBundle(io::FileSystem& files, const std::string& folder);

std::vector<meta::Migration> RegistryMigrations();

struct BundleRow {
  std::string id;
  std::string folder;
  std::string state;                               // "candidate" | "live" | "former" | "refused"
  Micros created_at = 0;
  std::map<std::string, double> metrics;
  std::string note;                                // why refused, or that it was forced
};

struct Promotion {
  bool promoted = false;
  std::string reason;                              // what was compared, for people
};

class Registry {
 public:
  virtual ~Registry() = default;
  virtual Result<std::vector<BundleRow>> List() = 0;                       // newest first
  virtual Status Add(const BundleManifest& manifest, const std::string& folder) = 0;
  // Makes it live when it is better than the live one on the later slice, or when forced.
  virtual Result<Promotion> Promote(const std::string& id, bool force) = 0;
  virtual Result<Promotion> Rollback() = 0;                                // to the bundle live before
  virtual Result<std::optional<BundleRow>> Live() = 0;
};

Result<std::unique_ptr<Registry>> OpenRegistry(meta::Store& store, const Clock& clock);

}  // namespace feedmill::registry
