#include "ingest/place_finder.h"

#include <maxminddb.h>

namespace feedmill::ingest {

struct PlaceFinder::Database {
  MMDB_s mmdb{};
  bool open = false;
  ~Database() {
    if (open) MMDB_close(&mmdb);
  }
};

PlaceFinder::PlaceFinder(std::unique_ptr<Database> database) : database_(std::move(database)) {}
PlaceFinder::~PlaceFinder() = default;

Result<std::unique_ptr<PlaceFinder>> PlaceFinder::Open(const std::string& path) {
  auto database = std::make_unique<Database>();
  int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &database->mmdb);
  if (status == MMDB_FILE_OPEN_ERROR || status == MMDB_IO_ERROR) return Io("{}: {}", path, MMDB_strerror(status));
  if (status != MMDB_SUCCESS) return Corrupt("{}: {}", path, MMDB_strerror(status));
  database->open = true;
  return std::unique_ptr<PlaceFinder>(new PlaceFinder(std::move(database)));
}

namespace {

// The text at a path of the entry, or "".
template <typename... Path>
std::string TextAt(MMDB_entry_s* entry, Path... path) {
  MMDB_entry_data_s data{};
  if (MMDB_get_value(entry, &data, path..., static_cast<const char*>(nullptr)) != MMDB_SUCCESS) return "";
  if (!data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING) return "";
  return {data.utf8_string, data.data_size};
}

}  // namespace

Place PlaceFinder::Find(std::string_view address) const {
  int address_error = 0, error = 0;
  std::string text(address);
  auto found = MMDB_lookup_string(&database_->mmdb, text.c_str(), &address_error, &error);
  if (address_error != 0 || error != MMDB_SUCCESS || !found.found_entry) return {};
  return {TextAt(&found.entry, "country", "iso_code"), TextAt(&found.entry, "subdivisions", "0", "names", "en"),
          TextAt(&found.entry, "city", "names", "en")};
}

}  // namespace feedmill::ingest
