#include "app/disk_watch.h"

#include <utility>

#include "base/log.h"

namespace feedmill::app {
namespace {

constexpr size_t kProbeBytes = 64 << 10;  // more than the slack of a file that is being written

}  // namespace

DiskWatch::DiskWatch(io::FileSystem& files, std::string folder, Micros interval)
    : files_(files), path_(std::move(folder) + "/probe"), interval_(interval), status_(Probe()) {
  thread_ = std::thread([this] { Run(); });
}

DiskWatch::~DiskWatch() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

Status DiskWatch::status() const {
  const MutexLock lock(mutex_);
  return status_;
}

// Never synced, and gone before the kernel would write it.
Status DiskWatch::Probe() const {
  FEEDMILL_ASSIGN(const auto file, files_.CreateTruncated(path_));
  const Status written = file->Append(std::string(kProbeBytes, 'x'));
  const Status removed = files_.Remove(path_);
  return written ? removed : written;
}

void DiskWatch::Run() {
  MutexLock lock(mutex_);
  while (!wake_.WaitFor(mutex_, interval_, [this]() FEEDMILL_REQUIRES(mutex_) { return stopping_; })) {
    lock.Unlock();
    Status now = Probe();
    lock.Lock();
    if (now.has_value() != status_.has_value()) {
      if (now) log::Info("the data folder can be written again");
      if (!now) log::Error("the data folder cannot be written", {{"reason", now.error().message()}});
    }
    status_ = std::move(now);
  }
}

}  // namespace feedmill::app
