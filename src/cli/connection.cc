#include "cli/connection.h"

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "base/config_document.h"
#include "base/settings.h"
#include "cli/running_server.h"
#include "io/file_system.h"

namespace feedmill::cli {
namespace {

constexpr const char* kDefaultUrl = "http://127.0.0.1:8080";
constexpr size_t kKeyLettersMin = 16;

void FromEnvironment(const char* name, std::string* value) {
  const char* found = std::getenv(name);
  if (value->empty() && found != nullptr) *value = found;
}

void FillFrom(std::string_view key, std::string* value) {
  if (value->empty()) *value = key;
}

// One that is empty, short or another one's opens nothing, or something else than it is for.
Status CheckKeys(const std::string& path, const Keys& keys) {
  const std::pair<const char*, const std::string&> named[] = {
      {"write", keys.write}, {"import", keys.import}, {"read", keys.read}, {"admin", keys.admin}};
  for (const auto& [name, key] : named) {
    if (key.size() < kKeyLettersMin) {
      return InvalidArgument(
          "{}: keys.{}: found {} letters, allowed: {} or more (without the file the next `feedmill up` "
          "makes four new keys)",
          path, name, key.size(), kKeyLettersMin);
    }
    for (const auto& [other, same] : named) {
      if (other != name && same == key)
        return InvalidArgument("{}: keys.{} and keys.{} are the same; allowed: four different keys", path, name, other);
    }
  }
  return Ok();
}

}  // namespace

void AddConnectionOptions(CLI::App& app, Connection* connection) {
  app.add_option("--url", connection->url,
                 "the server (default: the one that runs on --project, else http://127.0.0.1:8080)");
  app.add_option("--project", connection->project, "project folder whose data/secrets/keys.toml holds the keys")
      ->capture_default_str();
}

std::string KeysPath(const std::string& data_folder) { return data_folder + "/secrets/keys.toml"; }

Result<Keys> ReadKeys(const std::string& data_folder) {
  const std::string path = KeysPath(data_folder);
  FEEDMILL_ASSIGN(const std::string text, io::ReadWholeFile(io::PosixFileSystem(), path));
  FEEDMILL_ASSIGN(const ConfigDocument document, ParseToml(path, text));
  Keys keys;
  Settings settings;
  auto section = settings.Section("keys", "Secrets of this data folder.");
  section.Text("write", &keys.write, "events of the app");
  section.Text("import", &keys.import, "bulk import");
  section.Text("read", &keys.read, "feeds");
  section.Text("admin", &keys.admin, "console and administration");
  FEEDMILL_TRY(settings.Load(document));
  FEEDMILL_TRY(CheckKeys(path, keys));
  return keys;
}

Status FillKeys(Connection* connection, KeyKind write) {
  const std::string data_folder = DataFolderOf(connection->project);
  if (connection->url.empty()) {
    const auto server = FindRunningServer(data_folder);
    connection->url = server ? server->url : kDefaultUrl;
  }
  FromEnvironment("FEEDMILL_WRITE_KEY", &connection->write_key);
  FromEnvironment("FEEDMILL_READ_KEY", &connection->read_key);
  FromEnvironment("FEEDMILL_ADMIN_TOKEN", &connection->admin_token);
  if (!connection->write_key.empty() && !connection->read_key.empty() && !connection->admin_token.empty()) return Ok();
  const auto keys = ReadKeys(data_folder);
  if (!keys) {
    return NotFound(
        "no keys: set FEEDMILL_WRITE_KEY, FEEDMILL_READ_KEY and FEEDMILL_ADMIN_TOKEN, or give --project the folder of "
        "a server "
        "that was started on this machine ({})",
        keys.error().message());
  }
  FillFrom(write == KeyKind::kImport ? keys->import : keys->write, &connection->write_key);
  FillFrom(keys->read, &connection->read_key);
  FillFrom(keys->admin, &connection->admin_token);
  return Ok();
}

}  // namespace feedmill::cli
