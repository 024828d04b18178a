// Applying events of a world of 200k users and 500k posts, on one thread; then a checkpoint and its loading. Arguments:
// [events] [memory in MB, 0 = no bound]. The last line is one JSON object.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "stream/live_state.h"
#include "stream/world_for_test.h"

namespace feedmill::stream {
namespace {

constexpr size_t kBatch = 1000;

Micros ApplyWorld(LiveState* state, uint64_t events) {
  RandomWorld world(1, {.users = 200'000, .posts = 500'000, .topics = 50, .late = 0.01});
  std::vector<LiveState::Positioned> batch;
  Micros applying = 0;
  for (uint64_t done = 0; done < events; done += kBatch) {
    batch.clear();
    for (uint64_t i = 0; i < kBatch; ++i) batch.push_back({{0, done + i}, world.Next()});
    const Micros begin = MonotonicMicros();
    state->ApplyBatch(batch);
    applying += MonotonicMicros() - begin;
  }
  return applying;
}

int Run(uint64_t events, uint64_t memory_mb) {
  const features::FeatureSet set = TemplateFeatures();
  LiveStateOptions options;
  options.memory_bytes_max = memory_mb << 20;
  options.cold_folder = std::filesystem::temp_directory_path() / ("live_state_bench_cold_" + std::to_string(getpid()));
  // The second time counts: what it costs a virtual machine to get the memory is not ours.
  {
    LiveState first(set, options);
    ApplyWorld(&first, events);
  }
  LiveState state(set, options);
  const Micros applying = ApplyWorld(&state, events);
  const std::string path = std::filesystem::temp_directory_path() / ("live_state_bench_" + std::to_string(getpid()));
  const Micros writing = MonotonicMicros();
  if (!state.WriteCheckpoint(io::PosixFileSystem(), path)) return 1;
  const double write_s = static_cast<double>(MonotonicMicros() - writing) / 1e6;
  const double file_mb = static_cast<double>(std::filesystem::file_size(path)) / 1e6;
  const double state_mb = static_cast<double>(state.MemoryBytes()) / 1e6;
  LiveState copy(set, options);
  const Micros loading = MonotonicMicros();
  const auto loaded = copy.LoadCheckpoint(io::PosixFileSystem(), path);
  const double load_s = static_cast<double>(MonotonicMicros() - loading) / 1e6;
  std::filesystem::remove(path);
  if (!loaded) return std::fprintf(stderr, "%s\n", loaded.error().ToString().c_str()), 1;
  std::printf(
      "{\"events\":%llu,\"events_per_s\":%.0f,\"state_mb\":%.0f,\"cold_mb\":%.0f,\"checkpoint_mb\":%.0f,"
      "\"checkpoint_s\":%.2f,\"load_s\":%.2f}\n",
      static_cast<unsigned long long>(events), static_cast<double>(events) / (static_cast<double>(applying) / 1e6),
      state_mb, static_cast<double>(state.ColdBytes()) / 1e6, file_mb, write_s, load_s);
  return 0;
}

}  // namespace
}  // namespace feedmill::stream

int main(int argc, char** argv) {
  return feedmill::stream::Run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000,
                               argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0);
}
