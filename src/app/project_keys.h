// The keys of a project as its server and `feedmill key` know them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "access/key_ring.h"
#include "cli/connection.h"
#include "ingest/write_keys.h"

namespace feedmill::app {

// A key of secrets/keys.toml.
struct FileKeyName {
  std::string_view name;  // in the file
  access::Scope scope;
  std::string cli::Keys::* value;
  std::string_view principal;  // whom it stands for: the write_source of its events
  std::string_view meaning;
};
inline constexpr FileKeyName kFileKeys[] = {
    {"write", access::Scope::kWrite, &cli::Keys::write, "app", "events of the app; may stand in browsers"},
    {"import", access::Scope::kImport, &cli::Keys::import, "import", "bulk import: larger batches"},
    {"read", access::Scope::kRead, &cli::Keys::read, "read", "feeds; of the app's own servers"},
    {"admin", access::Scope::kAdmin, &cli::Keys::admin, "admin", "console and administration"}};

// Follows what `feedmill key` writes. The two outlive it.
Result<std::unique_ptr<access::KeyRing>> OpenKeyRing(meta::Store& store, const Clock& clock, std::string data_folder);

// `keys` outlives it.
ingest::FindWriter FindWriterIn(const access::KeyRing& keys);

}  // namespace feedmill::app
