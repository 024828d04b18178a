// A collector behind real HTTP over the harsh twin of the file system.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "data/event_codec.h"
#include "ingest/collector.h"
#include "io/gzip.h"
#include "io/harsh_file_system.h"
#include "io/http_client.h"

namespace feedmill::ingest {

class CollectorTest : public testing::Test {
 protected:
  CollectorTest() {
    options_.write_keys = {{"app", "app-key"}, {"import", "import-key", 1 << 20, 4 << 20, true}};
    log_options_.directory = "log";
    log_options_.repair_interval = 5000;
    plan_ = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
    Start();
  }
  ~CollectorTest() override { Stop(); }

  void Start() {
    auto log = OpenEventLog(files_, clock_, log_options_);
    ASSERT_TRUE(log) << log.error().ToString();
    log_ = std::move(*log);
    metrics_ = std::make_unique<MetricsRegistry>();
    auto collector = Collector::Open({files_, clock_, *log_, *plan_, *metrics_, ids_in_lake_}, options_);
    ASSERT_TRUE(collector) << collector.error().ToString();
    collector_ = std::move(*collector);
    auto server = io::StartHttpServer({}, [this](io::HttpRequest&& request, io::HttpResponder&& responder) {
      collector_->Handle(std::move(request), std::move(responder));
    });
    ASSERT_TRUE(server) << server.error().ToString();
    server_ = std::move(*server);
    client_ = *io::MakeHttpClient(fmt::format("http://127.0.0.1:{}", server_->port()));
  }

  void Stop() {
    if (server_) server_->Stop(kMicrosPerSecond);
    if (log_) log_->Close();
    client_.reset();
    server_.reset();
    collector_.reset();
    log_.reset();
  }

  io::HttpReply Post(std::string_view path, std::string_view body, std::string_view key = "app-key",
                     std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!key.empty()) headers.emplace_back("Authorization", "Basic " + Base64Encode(std::string(key) + ":"));
    headers.emplace_back("Content-Type", "application/json");
    auto reply = client_->Send("POST", path, headers, body, Deadline::After(20 * kMicrosPerSecond));
    EXPECT_TRUE(reply) << reply.error().ToString();
    return reply ? *reply : io::HttpReply{};
  }

  std::vector<LogRecord> Records() {
    std::vector<LogRecord> records;
    uint64_t offset = 0;
    while (true) {
      auto read = log_->Read(0, offset, 1 << 20);
      EXPECT_TRUE(read);
      if (!read || read->empty()) return records;
      for (const auto& record : *read) records.push_back(*DecodeLogRecord(record.payload));
      offset = read->back().offset + 1;
    }
  }

  static std::string Like(std::string_view id, std::string_view more = "") {
    return fmt::format(
        R"({{"messageId":"{}","type":"track","event":"like","userId":"u1","properties":{{"post_id":"p1"}}{}}})", id,
        more);
  }
  static std::string Batch(const std::vector<std::string>& messages) {
    return fmt::format("{{\"batch\":[{}]}}", fmt::join(messages, ","));
  }

  io::HarshFileSystem files_;
  ManualClock clock_{1'790'000'000 * kMicrosPerSecond};
  LogOptions log_options_;
  CollectorOptions options_;
  IdsInLake ids_in_lake_;
  std::shared_ptr<const TrackingPlan> plan_;
  std::unique_ptr<MetricsRegistry> metrics_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<Collector> collector_;
  std::unique_ptr<io::HttpServer> server_;
  std::unique_ptr<io::HttpClient> client_;
};

}  // namespace feedmill::ingest
