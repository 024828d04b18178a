// The steps of feedmill-train as functions: what the command line does, without the command line.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace feedmill::train {

struct CommandOptions {
  std::string data;                        // data folder
  std::string project;                     // project folder: features/, models/
  Micros cut = 0;                          // events earlier than this count
  std::string run_id;                      // tables are read as this run sees them; "" = the newest
  uint64_t memory_bytes_max = 4ull << 30;  // of the process: SQL has a third, what is learned from is thinned to fit
  int parts = 1;                           // more: as if there were so much less memory, as the last try had too little
  int threads = 2;                         // of SQL

  uint64_t MemoryBytes() const { return memory_bytes_max / static_cast<uint64_t>(parts); }
};

// Each prints progress lines and answers the JSON object of its result line.
Result<std::string> RunAls(const CommandOptions& options);
Result<std::string> RunRank(const CommandOptions& options);
Result<std::string> RunBundle(const CommandOptions& options);

}  // namespace feedmill::train
