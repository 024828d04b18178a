// How fast the log takes records that are acknowledged only after a sync, and what a sync alone costs here.
// log_bench [SECONDS]: how long each figure is measured.
#include <atomic>
#include <filesystem>
#include <future>
#include <semaphore>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>

#include "base/cpu_time.h"
#include "ingest/log.h"

namespace feedmill::ingest {
namespace {

constexpr size_t kPayloadBytes = 300;

// fdatasync after one small append, one after the other: the floor under every acknowledged append.
double SyncMicros(const std::string& folder) {
  auto file = *io::PosixFileSystem().CreateTruncated(folder + "/floor");
  std::string bytes(4096, 'x');
  constexpr int kSyncs = 500;
  Micros start = MonotonicMicros();
  for (int i = 0; i < kSyncs; ++i) {
    if (!file->Append(bytes) || !file->Sync()) std::abort();
  }
  return static_cast<double>(MonotonicMicros() - start) / kSyncs;
}

struct Outcome {
  double records_per_second = 0;
  double mean_latency_ms = 0;
  double cpu_us = 0;  // a record, of all threads
};

// `writers` threads, each waiting for its answer before the next append of `batch` records.
Outcome Run(const std::string& folder, int writers, int batch, Micros run_time) {
  SystemClock clock;
  LogOptions options;
  options.directory = fmt::format("{}/{}-{}", folder, writers, batch);
  auto log = *OpenEventLog(io::PosixFileSystem(), clock, options);
  std::atomic<uint64_t> appends = 0, latency = 0;
  std::vector<std::thread> threads;
  const double cpu = CpuMicros(CLOCK_PROCESS_CPUTIME_ID);
  const Micros start = MonotonicMicros();
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      std::binary_semaphore answered(0);
      while (MonotonicMicros() - start < run_time) {
        Micros sent = MonotonicMicros();
        auto done = [&](Result<LogPosition> first) {
          if (!first) std::abort();
          answered.release();
        };
        if (!log->Append(0, std::vector<std::string>(static_cast<size_t>(batch), std::string(kPayloadBytes, 'x')),
                         done))
          std::abort();
        answered.acquire();
        latency += static_cast<uint64_t>(MonotonicMicros() - sent);
        ++appends;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  double seconds = static_cast<double>(MonotonicMicros() - start) / kMicrosPerSecond;
  const auto asked = static_cast<double>(appends.load()), records = asked * batch;
  return {records / seconds, static_cast<double>(latency.load()) / asked / kMicrosPerMilli,
          (CpuMicros(CLOCK_PROCESS_CPUTIME_ID) - cpu) / records};
}

int Main(double seconds) {
  const auto run_time = static_cast<Micros>(seconds * kMicrosPerSecond);
  auto folder = std::filesystem::current_path() / fmt::format("log_bench_{}", ::getpid());
  std::filesystem::create_directories(folder);
  double floor = SyncMicros(folder.string());
  fmt::print("one sync of 4 KiB: {:.0f} us\n", floor);
  std::string json = fmt::format("{{\"bench\":\"log\",\"sync_us\":{:.1f},\"payload_bytes\":{}", floor, kPayloadBytes);
  for (auto [writers, batch] : {std::pair{1, 1}, {64, 1}, {4, 100}, {4, 1000}}) {
    Outcome outcome = Run(folder.string(), writers, batch, run_time);
    fmt::print("{:3} writers, batches of {:4}: {:9.0f} records/s, {:.2f} ms, {:.2f} us of a processor a record\n",
               writers, batch, outcome.records_per_second, outcome.mean_latency_ms, outcome.cpu_us);
    json += fmt::format(",\"w{0}_b{1}_per_s\":{2:.0f},\"w{0}_b{1}_ms\":{3:.3f},\"w{0}_b{1}_cpu_us\":{4:.3f}", writers,
                        batch, outcome.records_per_second, outcome.mean_latency_ms, outcome.cpu_us);
  }
  std::filesystem::remove_all(folder);
  fmt::print("{}}}\n", json);
  return 0;
}

}  // namespace
}  // namespace feedmill::ingest

int main(int argc, char** argv) { return feedmill::ingest::Main(argc > 1 ? std::atof(argv[1]) : 3); }
