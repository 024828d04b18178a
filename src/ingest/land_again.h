// A file of a raw table that was damaged, written again from the log.
#pragma once

#include <string>

#include "base/result.h"
#include "ingest/log.h"
#include "ingest/place_finder.h"
#include "ingest/row_writer.h"
#include "lake/catalog.h"

namespace feedmill::ingest {

struct LandAgainParts {
  const EventLog& log;
  lake::Catalog& catalog;
  OpenRowWriter open_writer;
  const PlaceFinder* places = nullptr;  // may be null
  io::FileSystem& files;                // removes what was written and is not needed
};

// Writes the rows of `path`, a data file of the raw table, again and commits them in its place: those of its log
// records, as its statistics tell them, that lie in its partition. kNotFound when the log has not got all of them any
// more; kConflict when it gives another number of rows than the file had, since then rows of other files are among
// them: nothing is committed. No landing may run meanwhile.
Status LandAgain(const LandAgainParts& parts, const std::string& table, const std::string& path);

}  // namespace feedmill::ingest
