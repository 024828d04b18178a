// IP address -> country, region, city, by a MaxMind database file that the user supplies.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace feedmill::ingest {

struct Place {
  std::string country;  // ISO 3166 code; all empty when unknown
  std::string region;   // English name of the first subdivision
  std::string city;     // English name
};

// Any thread.
class PlaceFinder {
 public:
  // kIo or kCorrupt name the file.
  static Result<std::unique_ptr<PlaceFinder>> Open(const std::string& path);
  ~PlaceFinder();

  // `address` may be a network's ("203.0.113.0").
  Place Find(std::string_view address) const;

 private:
  struct Database;
  explicit PlaceFinder(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace feedmill::ingest
