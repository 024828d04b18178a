// What the door costs an event on one core: parse, check against the tracking plan, encode; and the whole collector up
// to the durable answer, without HTTP. collect_bench [SECONDS]: how long each figure is measured.
#include <filesystem>
#include <semaphore>

#include <unistd.h>

#include <fmt/format.h>

#include "base/cpu_time.h"
#include "ingest/body_reader_internal.h"
#include "ingest/collector.h"

namespace feedmill::ingest {
namespace {

std::string Message(uint64_t number) {
  return fmt::format(
      R"({{"messageId":"bench-{:016x}","type":"track","event":"feed_impression","userId":"user-{}","timestamp":"2026-11-22T21:52:06.246Z",)"
      R"("context":{{"app":{{"version":"4.1.0"}},"library":{{"name":"analytics","version":"3.1.0"}},"os":{{"name":"iOS"}}}},)"
      R"("properties":{{"request_id":"req-{:012x}","post_id":"post-{}","author_id":"author-{}","position":{},"scene":"home","source":"i2i"}}}})",
      number, number % 100'000, number / 20, number % 500'000, number % 20'000, number % 20);
}

std::string BatchBody(int batch, uint64_t* number) {
  std::string body = "{\"batch\":[";
  for (int i = 0; i < batch; ++i) body += (i ? "," : "") + Message((*number)++);
  return body + "],\"sentAt\":\"2026-11-22T21:52:06.300Z\"}";
}

// Microseconds of processor time an event for parsing, checking and encoding.
double ReadCost(const TrackingPlan& plan, const WriteKeys& keys, int batch, Micros run_time) {
  MessageIdMaker ids;
  uint64_t number = 0, events = 0;
  double spent = 0;
  while (spent < static_cast<double>(run_time)) {
    std::string body = batch == 1 ? Message(number++) : BatchBody(batch, &number);
    BodyRequest request{&body,   batch == 1 ? "track" : "", keys.Find("key"), "203.0.113.7",
                        "bench", 1'795'384'326'400'000};
    const double start = CpuMicros(CLOCK_THREAD_CPUTIME_ID);
    auto read = ReadBody(request, plan, keys, {}, ids);
    spent += CpuMicros(CLOCK_THREAD_CPUTIME_ID) - start;
    if (!read || !read->messages.back().accepted) std::abort();
    events += read->messages.size();
  }
  return spent / static_cast<double>(events);
}

struct Collected {
  double per_second = 0;
  double cpu_us = 0;  // an event, of all threads
};

// Events through the collector from one sender that keeps `window` requests on their way.
Collected Collect(const TrackingPlan& plan, const std::string& folder, int batch, int window, Micros run_time) {
  SystemClock clock;
  MetricsRegistry metrics;
  LogOptions log_options;
  log_options.directory = fmt::format("{}/{}", folder, batch);
  auto log = *OpenEventLog(io::PosixFileSystem(), clock, log_options);
  CollectorOptions options;
  options.write_keys = {{"bench", "key", 32 << 10, 4 << 20}};
  auto collector = *Collector::Open({io::PosixFileSystem(), clock, *log, plan, metrics}, options);
  std::counting_semaphore<1024> slots(window);
  uint64_t number = 0;
  double cpu = CpuMicros(CLOCK_PROCESS_CPUTIME_ID);
  const Micros start = MonotonicMicros();
  while (MonotonicMicros() - start < run_time) {
    io::HttpRequest request{
        "POST", "/v1/batch", {}, {{"authorization", "Basic a2V5Og=="}}, BatchBody(batch, &number), "203.0.113.7"};
    slots.acquire();
    collector->Handle(std::move(request), io::HttpResponder([&](io::HttpResponse&& response) {
                        if (response.status != 200) std::abort();
                        slots.release();
                      }));
  }
  for (int i = 0; i < window; ++i) slots.acquire();
  double seconds = static_cast<double>(MonotonicMicros() - start) / kMicrosPerSecond;
  cpu = CpuMicros(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  log->Close();
  return {static_cast<double>(number) / seconds, static_cast<double>(cpu) / static_cast<double>(number)};
}

int Main(double seconds) {
  const auto run_time = static_cast<Micros>(seconds * kMicrosPerSecond);
  auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  auto keys = *WriteKeys::Make({{"bench", "key", 32 << 10, 4 << 20}});
  auto folder = std::filesystem::current_path() / fmt::format("collect_bench_{}", ::getpid());
  std::filesystem::create_directories(folder);
  std::string json = fmt::format("{{\"bench\":\"collect\",\"message_bytes\":{}", Message(0).size());
  for (int batch : {1, 100, 1000}) {
    double micros = ReadCost(*plan, keys, batch, run_time);
    fmt::print("parse, check, encode, {:4} a body: {:.2f} us an event, {:.0f} events/s\n", batch, micros,
               kMicrosPerSecond / micros);
    json += fmt::format(",\"read_b{}_us\":{:.3f}", batch, micros);
  }
  for (int batch : {100, 1000}) {
    Collected collected = Collect(*plan, folder.string(), batch, 16, run_time);
    fmt::print("collector, batches of {:4}, durable: {:.0f} events/s, {:.2f} us of a processor an event\n", batch,
               collected.per_second, collected.cpu_us);
    json += fmt::format(",\"collect_b{}_per_s\":{:.0f},\"collect_b{}_cpu_us\":{:.3f}", batch, collected.per_second,
                        batch, collected.cpu_us);
  }
  std::filesystem::remove_all(folder);
  fmt::print("{}}}\n", json);
  return 0;
}

}  // namespace
}  // namespace feedmill::ingest

int main(int argc, char** argv) { return feedmill::ingest::Main(argc > 1 ? std::atof(argv[1]) : 2); }
