// How a verb reaches a server: its URL and the keys, from options, the environment, or the secrets file of a data
// folder on this machine.
#pragma once

#include <string>

#include "base/result.h"

namespace CLI {
class App;
}

namespace feedmill::cli {

struct Connection {
  std::string url;            // "" = the server that runs in the project's data folder, else port 8080 of this machine
  std::string project = ".";  // its data folder holds secrets/keys.toml
  std::string write_key;      // FEEDMILL_WRITE_KEY
  std::string read_key;       // FEEDMILL_READ_KEY
  std::string admin_token;    // FEEDMILL_ADMIN_TOKEN
};

// --url, --project; keys never stand on the command line (other users of the machine could read them).
void AddConnectionOptions(CLI::App& app, Connection* connection);

enum class KeyKind { kWrite, kImport, kRead, kAdmin };
// Fills the URL, and the keys that are empty from the environment, then from secrets/keys.toml of the project's data
// folder. `write`: which key becomes write_key.
Status FillKeys(Connection* connection, KeyKind write = KeyKind::kWrite);

// The keys of one data folder.
struct Keys {
  std::string write;   // events of the app
  std::string import;  // bulk import: larger batches, times in the past
  std::string read;    // feeds
  std::string admin;   // console and /v1/admin
};

std::string KeysPath(const std::string& data_folder);
// kNotFound when the file is not there. kCorrupt names the line.
Result<Keys> ReadKeys(const std::string& data_folder);

}  // namespace feedmill::cli
