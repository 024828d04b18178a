#include "app/disk_watch.h"

#include <chrono>
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
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Status DiskWatch::status() const {
  const std::lock_guard lock(mutex_);
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
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::microseconds(interval_), [this] { return stopping_; })) {
    lock.unlock();
    Status now = Probe();
    lock.lock();
    if (now.has_value() != status_.has_value()) {
      if (now) log::Info("the data folder can be written again");
      if (!now) log::Error("the data folder cannot be written", {{"reason", now.error().message()}});
    }
    status_ = std::move(now);
  }
}

}  // namespace feedmill::app
