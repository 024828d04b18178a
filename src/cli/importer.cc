#include "cli/importer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/mutex.h"
#include "base/text_encoding.h"
#include "io/http_client.h"

namespace feedmill::cli {
namespace {

constexpr int kAttemptsMax = 10;
constexpr Micros kTimeout = 60 * kMicrosPerSecond;
constexpr int kRetryAfterMax = 60;  // seconds that a server may ask for at once

constexpr Micros kRecordInterval = kMicrosPerSecond;

struct Batch {
  std::string body;
  uint64_t begin = 0;  // of its entries in the file
  uint64_t end = 0;
  uint64_t events = 0;
};

class Importer {
 public:
  Importer(EventSource* source, const ImportOptions& options, Progress* progress)
      : source_(*source), options_(options), progress_(*progress) {}

  Result<ImportFigures> Run() {
    const Micros begin = MonotonicMicros();
    FEEDMILL_TRY(Answers());
    if (options_.record != nullptr) FEEDMILL_TRY(BindRecord());
    std::vector<std::thread> senders;
    for (int i = 0; i < options_.connections; ++i) senders.emplace_back([this] { SendAll(); });
    for (std::thread& sender : senders) sender.join();
    const MutexLock lock(figures_mutex_);
    figures_.seconds = static_cast<double>(MonotonicMicros() - begin) / kMicrosPerSecond;
    if (failure_) return std::unexpected(failure_->WithContext(HowToGoOn()));
    if (options_.record != nullptr) FEEDMILL_TRY(options_.record->Remove());
    return figures_;
  }

 private:
  // A server that is not there is told at once; one that goes away in the middle is waited for.
  Status Answers() const {
    FEEDMILL_ASSIGN(const auto client, io::MakeHttpClient(options_.url));
    const auto reply = client->Send("GET", "/healthz", {}, "", Deadline::After(kTimeout));
    if (reply && reply->status < 400) return Ok();
    if (reply) return Unavailable("{} answers {}: {}", options_.url, reply->status, reply->body.substr(0, 200));
    if (reply.error().kind() == ErrorKind::kPermissionDenied) return std::unexpected(reply.error());
    return Unavailable("no server answers at {} ({}); start it with `feedmill up`, or name another with --url",
                       options_.url, reply.error().message());
  }

  // What an earlier run has sent is passed over only where that run has sent it.
  Status BindRecord() {
    FEEDMILL_ASSIGN(const ServerPlace place, AskPlace());
    const auto other = options_.record->Bind(place);
    if (other) {
      log::Warn("what an earlier run has sent is not passed over: all of the file is sent",
                {{"record", options_.record->path()}, {"reason", *other}});
    }
    sent_before_ = options_.record->acknowledged();
    return Ok();
  }

  Result<ServerPlace> AskPlace() const {
    FEEDMILL_ASSIGN(const auto client, io::MakeHttpClient(options_.url));
    FEEDMILL_ASSIGN(const auto reply, client->Send("GET", "/v1/position", {{"authorization", Authorization()}}, "",
                                                   Deadline::After(kTimeout)));
    if (reply.status == 401)
      return InvalidArgument("{}/v1/position answered 401: {}", options_.url, reply.body.substr(0, 500));
    ServerPlace place;  // of a server that cannot tell: nothing recorded is of there
    const auto json = nlohmann::json::parse(reply.body, nullptr, false);
    if (reply.status != 200 || !json.is_object()) return place;
    place.folder = json.value("folder", "");
    uint32_t partition = 0;
    for (const auto& end : json.value("ends", nlohmann::json::array()))
      place.ends[partition++] = end.is_number_unsigned() ? end.get<uint64_t>() : 0;
    return place;
  }

  std::string Authorization() const { return "Basic " + Base64Encode(options_.write_key + ":"); }

  std::string HowToGoOn() const FEEDMILL_REQUIRES(figures_mutex_) {
    if (options_.record == nullptr)
      return fmt::format("after {} events; send all of it again (events sent twice are recognised)", figures_.sent);
    const Status saved = options_.record->Save();
    if (!saved)
      return fmt::format("after {} events; {} could not be written ({}): another run sends all again", figures_.sent,
                         options_.record->path(), saved.error().message());
    return fmt::format("after {} events; {} holds which ones: the same command goes on with the others", figures_.sent,
                       options_.record->path());
  }

  // Entries from `entry_` on that an earlier run has sent are read and passed over.
  void PassOver() FEEDMILL_REQUIRES(read_mutex_) {
    std::string event;
    while (!ended_) {
      const uint64_t end = sent_before_.EndOf(entry_);
      if (end == entry_) return;
      NoteSentBefore(end - entry_);
      while (entry_ < end && !ended_) {
        const auto more = source_.Next(&event);
        ended_ = more && !*more;
        if (!ended_) ++entry_;
      }
    }
  }

  // The next batch of the file; one reader at a time.
  Batch NextBatch() {
    const MutexLock lock(read_mutex_);
    Batch batch;
    batch.body = "{\"batch\":[";
    std::string event;
    PassOver();
    batch.begin = entry_;
    while (!ended_ && batch.events < options_.batch_events && batch.body.size() < options_.batch_bytes_max) {
      if (sent_before_.EndOf(entry_) != entry_) break;
      const auto more = source_.Next(&event);
      ended_ = more && !*more;
      if (ended_) break;
      ++entry_;
      if (!more) {
        NoteUnreadable(more.error().message());
        continue;
      }
      if (batch.events++ > 0) batch.body.push_back(',');
      batch.body += event;
    }
    progress_.Set(source_.bytes_read());
    batch.body += "]}";
    batch.end = entry_;
    return batch;
  }

  void SendAll() {
    auto client = io::MakeHttpClient(options_.url);
    if (!client) return Fail(client.error());
    while (!Failed()) {
      const Batch batch = NextBatch();
      if (batch.events == 0 && batch.begin == batch.end) return;
      const Status sent = batch.events == 0 ? Pass(batch) : Send(**client, batch);
      if (!sent) return Fail(sent.error());
    }
  }

  // Only entries that cannot be read: there is nothing to send.
  Status Pass(const Batch& batch) {
    const MutexLock lock(figures_mutex_);
    Record(batch);
    return Ok();
  }

  Status Send(io::HttpClient& client, const Batch& batch) {
    const std::string authorization = Authorization();
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
    const MutexLock lock(figures_mutex_);
    ++figures_.slowed;
  }

  Status Note(const Batch& batch, const std::string& body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    if (json.is_discarded()) return Unavailable("{}/v1/batch answered no JSON: {}", options_.url, body.substr(0, 200));
    const MutexLock lock(figures_mutex_);
    figures_.sent += batch.events;
    if (options_.record != nullptr) NotePositions(json.value("position", ""));
    Record(batch);
    figures_.accepted += json.value("accepted", uint64_t{0});
    figures_.duplicates += json.value("duplicates", uint64_t{0});
    figures_.rejected += json.value("rejected_count", uint64_t{0});
    for (const auto& rejected : json.value("rejected", nlohmann::json::array())) {
      if (figures_.errors.size() < options_.errors_shown_max) figures_.errors.push_back(rejected.dump());
    }
    return Ok();
  }

  // "<partition>:<record>,...": up to where the log has what was sent.
  void NotePositions(const std::string& positions) FEEDMILL_REQUIRES(figures_mutex_) {
    const char* const end = positions.data() + positions.size();
    for (const char* at = positions.data(); at < end; ++at) {
      uint32_t partition = 0;
      uint64_t offset = 0;
      const auto [colon, error] = std::from_chars(at, end, partition);
      if (error != std::errc() || colon == end || *colon != ':') return;
      const auto [after, wrong] = std::from_chars(colon + 1, end, offset);
      if (wrong != std::errc()) return;
      options_.record->NotePosition(partition, offset);
      at = after;
    }
  }

  // Not at every batch: what the record lacks after a crash is sent again and recognised. A folder that cannot be
  // written to stops no import; HowToGoOn tells.
  void Record(const Batch& batch) FEEDMILL_REQUIRES(figures_mutex_) {
    if (options_.record == nullptr) return;
    options_.record->acknowledged().Add(batch.begin, batch.end);
    const Micros now = MonotonicMicros();
    if (now - recorded_at_ < kRecordInterval) return;
    recorded_at_ = now;
    (void)options_.record->Save();
  }

  void NoteSentBefore(uint64_t entries) {
    const MutexLock lock(figures_mutex_);
    figures_.sent_before += entries;
  }

  void NoteUnreadable(const std::string& message) {
    const MutexLock lock(figures_mutex_);
    ++figures_.unreadable;
    if (figures_.errors.size() < options_.errors_shown_max) figures_.errors.push_back(message);
  }

  void Fail(const Error& error) {
    const MutexLock lock(figures_mutex_);
    if (!failure_) failure_ = error;
  }
  bool Failed() {
    const MutexLock lock(figures_mutex_);
    return failure_.has_value();
  }

  EventSource& source_;
  const ImportOptions& options_;
  Progress& progress_;
  Mutex read_mutex_;
  EntryRanges sent_before_;  // set before the senders start
  bool ended_ FEEDMILL_GUARDED_BY(read_mutex_) = false;
  uint64_t entry_ FEEDMILL_GUARDED_BY(read_mutex_) = 0;  // the next one's number
  Mutex figures_mutex_;
  ImportFigures figures_ FEEDMILL_GUARDED_BY(figures_mutex_);
  Micros recorded_at_ FEEDMILL_GUARDED_BY(figures_mutex_) = 0;
  std::optional<Error> failure_ FEEDMILL_GUARDED_BY(figures_mutex_);
};

}  // namespace

Result<ImportFigures> Import(EventSource* source, const ImportOptions& options, Progress* progress) {
  return Importer(source, options, progress).Run();
}

}  // namespace feedmill::cli
