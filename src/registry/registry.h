// Which bundle is live, and the gate it had to pass. A bundle is everything one night made for serving, as one
// content-hashed folder: live as a whole or not at all. This room knows manifests and rows, not what the files mean.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "io/file_system.h"
#include "meta/store.h"

namespace feedmill::registry {

struct BundleFile {
  std::string name;  // within the folder, no path
  std::string sha256;
  uint64_t size_bytes = 0;
};

struct BundleManifest {
  std::string id;  // first 16 hex digits of the SHA-256 of the manifest's canonical text without this key
  Micros created_at = 0;
  Micros data_cut = 0;  // events earlier than this went in
  std::string feature_set_hash;
  std::string compared_to;  // id of the bundle that was live and measured on the same slice; "" when none was
  std::map<std::string, double>
      metrics;  // on the later slice: "auc", "user_auc", "ndcg10", "recall100", "ndcg10_popularity", ...
                // and "live_ndcg10", "live_auc": the models of `compared_to` on that slice
  std::map<std::string, double> action_weights;  // action -> weight in the final score (hide is negative)
  std::map<std::string, std::pair<double, double>>
      calibration;  // action -> slope, intercept: p = 1 / (1 + exp(-(slope * raw + intercept)))
  std::vector<BundleFile> files;
};

inline constexpr const char* kManifestFile = "manifest.json";

// Hashes the files of `folder` (all of them durable; no folders below it), fills `files` and `id`, writes manifest.json
// atomically. The caller then renames the folder to the id. kInvalidArgument when a metric, weight or calibration is
// not finite.
Status SealBundle(io::FileSystem& files, const std::string& folder, BundleManifest* manifest);
// Reads manifest.json and checks its id and every listed file's size and SHA-256. Files it does not list are nobody's
// business. kNotFound when there is no manifest, kCorrupt names the file and the rule.
Result<BundleManifest> VerifyBundle(io::FileSystem& files, const std::string& folder);

// The text behind the id, and its reading (docs/formats/bundle.md). Parsing is bounded and never trusts a file name.
std::string FormatManifest(const BundleManifest& manifest, bool with_id);
Result<BundleManifest> ParseManifest(std::string_view text);

std::vector<meta::Migration> RegistryMigrations();

struct BundleRow {
  std::string id;
  std::string folder;  // its name, below the bundles folder
  std::string state;   // "candidate" | "live" | "former" | "refused"
  Micros created_at = 0;
  Micros data_cut = 0;
  std::string compared_to;
  std::map<std::string, double> metrics;
  std::string note;  // why refused, or that it was forced
};

struct Promotion {
  bool promoted = false;
  std::string reason;  // what was compared, for people
};

// Whether `candidate` may replace `live` (null: nothing is live). Pure. A candidate passes when it was measured beside
// this very live bundle on the same later slice and has the larger ndcg10, or the same ndcg10 and the larger auc;
// beside a live bundle without ranking models it has to beat popularity (docs/decisions/model-gate.md).
Promotion JudgeCandidate(const BundleRow& candidate, const BundleRow* live);

// Any thread, several processes: each call is one transaction.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual Result<std::vector<BundleRow>> List() = 0;  // newest first
  // As a candidate; of `folder` the name is kept. Adding the same bundle again changes nothing.
  virtual Status Add(const BundleManifest& manifest, const std::string& folder) = 0;
  // Makes it live when JudgeCandidate lets it, or when forced; else it becomes "refused" and the reason is kept and
  // answered. kNotFound names the bundles there are.
  virtual Result<Promotion> Promote(const std::string& id, bool force) = 0;
  // To the bundle live before; again goes one further back. kNotFound when there is none.
  virtual Result<Promotion> Rollback() = 0;
  virtual Result<std::optional<BundleRow>> Live() = 0;
};

Result<std::unique_ptr<Registry>> OpenRegistry(meta::Store& store, const Clock& clock);

}  // namespace feedmill::registry
