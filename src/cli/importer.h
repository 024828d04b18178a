// Sends many events through POST /v1/batch over several connections, in order of the file within each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"
#include "cli/event_source.h"
#include "cli/import_record.h"

namespace feedmill::cli {

struct ImportOptions {
  std::string url;
  std::string write_key;
  size_t batch_events = 1000;
  size_t batch_bytes_max = 4 << 20;
  int connections = 2;
  ImportRecord* record = nullptr;  // what it holds is not sent; kept up to date; none: everything is sent
  size_t errors_shown_max = 10;
};

struct ImportFigures {
  uint64_t sent = 0;
  uint64_t sent_before = 0;  // entries that an earlier run has sent: passed over
  uint64_t accepted = 0;     // new and durable on the server
  uint64_t duplicates = 0;   // the server has had them already
  uint64_t rejected = 0;     // kept by the server in ods.ods_event_rejected
  uint64_t unreadable = 0;   // never sent: the file's own errors
  uint64_t slowed = 0;       // requests that the server put off (429) and that were sent again
  double seconds = 0;
  std::vector<std::string> errors;  // the first few
};

// Stops at the first request the server does not take even after retries; the error says how to go on. The record, if
// any, holds what was acknowledged, and is removed when everything was.
Result<ImportFigures> Import(EventSource* source, const ImportOptions& options, Progress* progress);

}  // namespace feedmill::cli
