#include "app/project_keys.h"

namespace feedmill::app {
namespace {

constexpr Micros kFollowInterval = kMicrosPerSecond;

}  // namespace

Result<std::unique_ptr<access::KeyRing>> OpenKeyRing(meta::Store& store, const Clock& clock, std::string data_folder) {
  const auto read_file = [folder = std::move(data_folder)]() -> Result<std::vector<access::FileKey>> {
    FEEDMILL_ASSIGN(const cli::Keys keys, cli::ReadKeys(folder));
    std::vector<access::FileKey> file_keys;
    for (const FileKeyName& key : kFileKeys)
      file_keys.push_back({keys.*key.value, {std::string(key.principal), key.scope}});
    return file_keys;
  };
  FEEDMILL_ASSIGN(auto ring, access::KeyRing::Open(store, clock, read_file));
  ring->Follow(kFollowInterval);
  return ring;
}

ingest::FindWriter FindWriterIn(const access::KeyRing& keys) {
  return [&keys](std::string_view secret) -> std::optional<ingest::Writer> {
    auto principal = keys.Find(secret);
    const bool bulk = principal && principal->scope == access::Scope::kImport;
    if (!principal || (!bulk && principal->scope != access::Scope::kWrite)) return std::nullopt;
    return ingest::Writer{std::move(principal->name), bulk};
  };
}

}  // namespace feedmill::app
