// Whether the data folder can be written: a small file, made and removed again every few seconds, before a client's
// event is what finds out.
#pragma once

#include <string>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
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
  mutable Mutex mutex_;
  CondVar wake_;
  bool stopping_ FEEDMILL_GUARDED_BY(mutex_) = false;
  Status status_ FEEDMILL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace feedmill::app
