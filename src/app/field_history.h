// Numbers, fields and relations that the domain declares for an app with history: what events of the past say of them
// is read from the lake and taught to the live state, while it serves.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/data_folder.h"
#include "base/result.h"
#include "stream/log_tailer.h"

namespace feedmill::app {

// How far the state has applied, by partition, without knowing the past; empty when it knows it.
std::vector<uint64_t> UnknownPast(const stream::LiveState& state, uint32_t partitions);

struct FieldHistoryWiring {
  const Config& config;
  const DataFolder& folder;
  domain::DomainPtr domain;
  stream::LogTailer& tailer;
  std::vector<uint64_t> ends;  // UnknownPast when it was loaded
  std::function<uint64_t(uint32_t partition)> landed_offset;
  // Of what has not landed yet.
  stream::TailRead read_log;
};

// A thread of its own, of low priority; it begins again at the next start when it is stopped before its end.
class FieldHistory {
 public:
  explicit FieldHistory(FieldHistoryWiring wiring);
  ~FieldHistory();                         // stops
  std::vector<std::string> Notes() const;  // for /readyz

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace feedmill::app
