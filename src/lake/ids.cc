#include "lake/ids.h"

#include <random>

#include <fmt/format.h>

namespace feedmill::lake {
namespace {

uint64_t SeedFromSystem() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

}  // namespace

IdSource::IdSource(std::optional<uint64_t> seed) : random_(seed ? *seed : SeedFromSystem()) {}

uint64_t IdSource::Next() {
  MutexLock lock(mutex_);
  return random_.Next();
}

int64_t IdSource::SnapshotId() { return static_cast<int64_t>(Next() >> 1 | 1); }

std::string IdSource::Uuid() {
  const uint64_t high = (Next() & ~0xF000ull) | 0x4000ull;
  const uint64_t low = (Next() & ~(3ull << 62)) | 1ull << 63;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, high >> 16 & 0xFFFF, high & 0xFFFF, low >> 48,
                     low & 0xFFFFFFFFFFFFull);
}

}  // namespace feedmill::lake
