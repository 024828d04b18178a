#include "app/live_bundle.h"

#include "base/log.h"
#include "io/file_system.h"

namespace feedmill::app {

LiveBundleFollower::LiveBundleFollower(registry::Registry& registry, std::string bundles_folder,
                                       domain::DomainPtr domain, serve::FeedService& feed, Micros interval)
    : registry_(registry), bundles_folder_(std::move(bundles_folder)), domain_(std::move(domain)), feed_(feed) {
  Look();
  thread_ = std::thread([this, interval] { Run(interval); });
}

LiveBundleFollower::~LiveBundleFollower() {
  {
    const MutexLock lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.NotifyAll();
  thread_.join();
}

void LiveBundleFollower::Run(Micros interval) {
  MutexLock lock(stop_mutex_);
  while (!stop_.WaitFor(stop_mutex_, interval, [this]() FEEDMILL_REQUIRES(stop_mutex_) { return stopping_; })) {
    lock.Unlock();
    Look();
    lock.Lock();
  }
}

void LiveBundleFollower::Look() {
  const MutexLock lock(look_mutex_);
  const auto live = registry_.Live();
  if (!live) return log::Warn("the live bundle cannot be looked up", {{"error", live.error().message()}});
  if (!*live || (*live)->id == live_id_ || (*live)->id == refused_id_) return;
  const registry::BundleRow& row = **live;
  auto bundle = serve::OpenBundle(io::PosixFileSystem(), bundles_folder_ + "/" + row.folder, domain_);
  if (!bundle) {
    refused_id_ = row.id;
    return log::Error(live_id_.empty()
                          ? "the live bundle is refused and no other is open: feeds come from fresh and trending posts "
                            "until the next nightly, `feedmill bundle promote` or `rollback`"
                          : "the live bundle is refused; feeds go on with the former one",
                      {{"bundle", row.id}, {"error", bundle.error().message()}});
  }
  feed_.SetBundle(std::move(*bundle));
  live_id_ = row.id;
  refused_id_.clear();
  log::Info("bundle live", {{"bundle", row.id}});
}

}  // namespace feedmill::app
