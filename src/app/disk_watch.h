// Whether the data folder can be written: a small file, made and removed again every few seconds, before a client's
// event is what finds out.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/result.h"
#include "io/file_system.h"

namespace feedmill::app {

class DiskWatch {
 public:
  // Looks once before it returns. `files` outlives it.
  DiskWatch(io::FileSystem& files, std::string folder, Micros interval);
  ~DiskWatch();
  // As it was at the last look. Any thread.
  Status status() const;

 private:
  Status Probe() const;
  void Run();

  io::FileSystem& files_;
  const std::string path_;
  const Micros interval_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // GUARDED_BY mutex_
  Status status_;          // GUARDED_BY mutex_
  std::thread thread_;
};

}  // namespace feedmill::app
