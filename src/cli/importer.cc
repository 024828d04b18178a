#include "cli/importer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/text_encoding.h"
#include "io/http_client.h"

namespace feedmill::cli {
namespace {

constexpr int kAttemptsMax = 10;
constexpr Micros kTimeout = 60 * kMicrosPerSecond;
constexpr int kRetryAfterMax = 60;  // seconds that a server may ask for at once

struct Batch {
  std::string body;
  uint64_t events = 0;
};

class Importer {
 public:
  Importer(EventSource* source, const ImportOptions& options, Progress* progress)
      : source_(*source), options_(options), progress_(*progress) {}

  Result<ImportFigures> Run() {
    const Micros begin = MonotonicMicros();
    FEEDMILL_TRY(Skip());
    std::vector<std::thread> senders;
    for (int i = 0; i < options_.connections; ++i) senders.emplace_back([this] { SendAll(); });
    for (std::thread& sender : senders) sender.join();
    figures_.seconds = static_cast<double>(MonotonicMicros() - begin) / kMicrosPerSecond;
    if (failure_) {
      return std::unexpected(
          failure_->WithContext(fmt::format("after {} events; go on with --skip {} (events sent twice are recognised)",
                                            figures_.sent, options_.skip + figures_.sent)));
    }
    return figures_;
  }

 private:
  Status Skip() {
    std::string event;
    for (uint64_t i = 0; i < options_.skip; ++i) {
      const auto more = source_.Next(&event);
      if (more && !*more) return InvalidArgument("--skip {}: the file has only {} events", options_.skip, i);
    }
    return Ok();
  }

  // The next batch of the file; one reader at a time.
  std::optional<Batch> NextBatch() {
    const std::lock_guard lock(read_mutex_);
    Batch batch;
    batch.body = "{\"batch\":[";
    std::string event;
    while (!ended_ && batch.events < options_.batch_events && batch.body.size() < options_.batch_bytes_max) {
      const auto more = source_.Next(&event);
      if (!more) {
        NoteUnreadable(more.error().message());
        continue;
      }
      ended_ = !*more;
      if (ended_) break;
      if (batch.events++ > 0) batch.body.push_back(',');
      batch.body += event;
    }
    progress_.Set(source_.bytes_read());
    batch.body += "]}";
    if (batch.events == 0) return std::nullopt;
    return batch;
  }

  void SendAll() {
    auto client = io::MakeHttpClient(options_.url);
    if (!client) return Fail(client.error());
    while (!Failed()) {
      const std::optional<Batch> batch = NextBatch();
      if (!batch) return;
      const Status sent = Send(**client, *batch);
      if (!sent) return Fail(sent.error());
    }
  }

  Status Send(io::HttpClient& client, const Batch& batch) {
    const std::string authorization = "Basic " + Base64Encode(options_.write_key + ":");
    std::string last;
    for (int attempt = 0; attempt < kAttemptsMax && !Failed();) {
      const auto reply =
          client.Send("POST", "/v1/batch", {{"authorization", authorization}, {"content-type", "application/json"}},
                      batch.body, Deadline::After(kTimeout));
      if (reply && reply->status < 300) return Note(batch, reply->body);
      if (reply && reply->status == 429) {
        WaitAsAsked(*reply);
        continue;
      }
      if (reply && reply->status < 500) {
        return InvalidArgument("{}/v1/batch answered {}: {}", options_.url, reply->status, reply->body.substr(0, 500));
      }
      last =
          reply ? fmt::format("answered {}: {}", reply->status, reply->body.substr(0, 200)) : reply.error().message();
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(5000, 50 << attempt++)));
    }
    return Unavailable("{}/v1/batch, {} attempts: {}", options_.url, kAttemptsMax, last);
  }

  // The server has other work to do first: no failure, however often it says so.
  void WaitAsAsked(const io::HttpReply& reply) {
    const std::string_view text = reply.Header("retry-after");
    int seconds = 1;
    std::from_chars(text.data(), text.data() + text.size(), seconds);
    std::this_thread::sleep_for(std::chrono::seconds(std::clamp(seconds, 1, kRetryAfterMax)));
    const std::lock_guard lock(figures_mutex_);
    ++figures_.slowed;
  }

  Status Note(const Batch& batch, const std::string& body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_discarded()) return Unavailable("{}/v1/batch answered no JSON: {}", options_.url, body.substr(0, 200));
    const std::lock_guard lock(figures_mutex_);
    figures_.sent += batch.events;
    figures_.accepted += json.value("accepted", uint64_t{0});
    figures_.duplicates += json.value("duplicates", uint64_t{0});
    figures_.rejected += json.value("rejected_count", uint64_t{0});
    for (const auto& rejected : json.value("rejected", nlohmann::json::array())) {
      if (figures_.errors.size() < options_.errors_shown_max) figures_.errors.push_back(rejected.dump());
    }
    return Ok();
  }

  void NoteUnreadable(const std::string& message) {
    const std::lock_guard lock(figures_mutex_);
    ++figures_.unreadable;
    if (figures_.errors.size() < options_.errors_shown_max) figures_.errors.push_back(message);
  }

  void Fail(const Error& error) {
    const std::lock_guard lock(figures_mutex_);
    if (!failure_) failure_ = error;
  }
  bool Failed() {
    const std::lock_guard lock(figures_mutex_);
    return failure_.has_value();
  }

  EventSource& source_;
  const ImportOptions& options_;
  Progress& progress_;
  std::mutex read_mutex_;
  bool ended_ = false;  // GUARDED_BY(read_mutex_)
  std::mutex figures_mutex_;
  ImportFigures figures_;         // GUARDED_BY(figures_mutex_)
  std::optional<Error> failure_;  // GUARDED_BY(figures_mutex_)
};

}  // namespace

Result<ImportFigures> Import(EventSource* source, const ImportOptions& options, Progress* progress) {
  return Importer(source, options, progress).Run();
}

}  // namespace feedmill::cli
