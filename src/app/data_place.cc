#include "app/data_place.h"

#include "io/confined_file_system.h"

namespace feedmill::app {

// The engine that reads tables takes these for patterns.
Status CheckDataFolderName(const std::string& data_folder) {
  const std::string path = io::RealPath(data_folder);
  const auto found = path.find_first_of("*?[");
  if (found == std::string::npos) return Ok();
  return InvalidArgument("{}: found \"{}\" in the path of a data folder; allowed is all but *, ? and [", path,
                         path[found]);
}

}  // namespace feedmill::app
