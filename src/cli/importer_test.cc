#include "cli/importer.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cli/admin_client.h"
#include "io/http_server.h"

namespace feedmill::cli {
namespace {

// Events {"messageId":"0"}, ... ; every tenth cannot be read.
class CountedSource final : public EventSource {
 public:
  explicit CountedSource(uint64_t count) : count_(count) {}
  Result<bool> Next(std::string* event) override {
    if (next_ == count_) return false;
    const uint64_t number = next_++;
    if (number % 10 == 9) return InvalidArgument("line {}: broken", number);
    *event = fmt::format("{{\"messageId\":\"{}\"}}", number);
    return true;
  }
  uint64_t bytes_read() const override { return next_; }

 private:
  uint64_t count_;
  uint64_t next_ = 0;
};

// Takes batches; answers as it is told for the first requests.
class FakePlatform {
 public:
  FakePlatform() {
    auto server = io::StartHttpServer(
        {}, [this](io::HttpRequest&& request, io::HttpResponder&& respond) { respond(Answer(request)); });
    EXPECT_TRUE(server.has_value());
    server_ = std::move(*server);
  }
  ~FakePlatform() { server_->Stop(0); }

  io::HttpResponse Answer(const io::HttpRequest& request) {
    io::HttpResponse response;
    if (request.path == "/healthz") return response;
    if (request.path == "/v1/position") {
      const std::lock_guard lock(mutex_);
      response.body = nlohmann::json{{"folder", folder}, {"ends", {3, ends_at}}}.dump();
      return response;
    }
    authorization = std::string(request.Header("authorization"));
    if (requests++ < refuse_first) {
      response.status = refuse_status;
      response.body = R"({"error":{"message":"not now"}})";
      if (refuse_status == 429) response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    const std::lock_guard lock(mutex_);
    const auto batch = nlohmann::json::parse(request.body).at("batch");
    for (const auto& event : batch) {
      if (event.at("messageId") != refuse_id) continue;
      response.status = 401;
      return response;
    }
    for (const auto& event : batch) ids.insert(event.at("messageId"));
    ends_at += batch.size();
    response.body = nlohmann::json{{"accepted", batch.size()},
                                   {"duplicates", 0},
                                   {"rejected_count", 0},
                                   {"position", fmt::format("0:2,1:{}", ends_at - 1)}}
                        .dump();
    return response;
  }
  std::string url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }

  int refuse_first = 0;
  int refuse_status = 503;
  std::string refuse_id;  // batches with this one
  std::string folder = "here";
  uint64_t ends_at = 0;  // partition 1 of its log
  std::atomic<int> requests = 0;
  std::string authorization;
  std::set<std::string> ids;

 private:
  std::mutex mutex_;
  std::unique_ptr<io::HttpServer> server_;
};

TEST(Importer, SendsEveryReadableEventOnceOverSeveralConnections) {
  FakePlatform platform;
  CountedSource source(1000);
  Progress progress("import", 1000, "events");
  const auto figures =
      Import(&source, {.url = platform.url(), .write_key = "wk", .batch_events = 37, .connections = 3}, &progress);
  ASSERT_TRUE(figures.has_value()) << figures.error().message();
  EXPECT_EQ(figures->accepted, 900u);
  EXPECT_EQ(figures->unreadable, 100u);
  EXPECT_EQ(platform.ids.size(), 900u);
  EXPECT_EQ(platform.authorization, "Basic d2s6");
  EXPECT_EQ(figures->errors.size(), 10u);
}

TEST(Importer, GoesOnAfterTheServerWasBusy) {
  FakePlatform platform;
  platform.refuse_first = 2;
  CountedSource source(9);
  Progress progress("import", 9, "events");
  const auto figures = Import(&source, {.url = platform.url(), .write_key = "wk", .connections = 1}, &progress);
  ASSERT_TRUE(figures.has_value()) << figures.error().message();
  EXPECT_EQ(platform.ids.size(), 9u);
  EXPECT_EQ(platform.requests, 3);
}

TEST(Importer, WaitsAsLongAsTheServerAsks) {
  FakePlatform platform;
  platform.refuse_first = 1;
  platform.refuse_status = 429;
  CountedSource source(9);
  Progress progress("import", 9, "events");
  const Micros begin = MonotonicMicros();
  const auto figures = Import(&source, {.url = platform.url(), .write_key = "wk", .connections = 1}, &progress);
  ASSERT_TRUE(figures.has_value()) << figures.error().message();
  EXPECT_EQ(platform.ids.size(), 9u);
  EXPECT_EQ(figures->slowed, 1u);
  EXPECT_GE(MonotonicMicros() - begin, kMicrosPerSecond);
}

TEST(Importer, StopsAtARefusalAndSaysHowToGoOn) {
  FakePlatform platform;
  platform.refuse_first = 1000;
  platform.refuse_status = 401;
  CountedSource source(9);
  Progress progress("import", 9, "events");
  const auto figures = Import(&source, {.url = platform.url(), .write_key = "no", .connections = 1}, &progress);
  ASSERT_FALSE(figures.has_value());
  EXPECT_NE(figures.error().message().find("send all of it again"), std::string::npos) << figures.error().message();
  EXPECT_NE(figures.error().message().find("answered 401"), std::string::npos) << figures.error().message();
}

TEST(Importer, ASecondRunSendsWhatTheFirstOneDidNot) {
  const std::string file = testing::TempDir() + "importer_test_events.jsonl";
  std::ofstream(file) << "events";
  FakePlatform platform;
  for (const std::string& refused : {std::string("370"), std::string("802"), std::string()}) {
    platform.refuse_id = refused;
    const size_t before = platform.ids.size();
    auto record = ImportRecord::Open(io::PosixFileSystem(), file, "", platform.url());
    ASSERT_TRUE(record.has_value()) << record.error().message();
    const uint64_t known = record->acknowledged().Count();
    CountedSource source(1000);
    Progress progress("import", 1000, "events");
    const auto figures = Import(
        &source, {.url = platform.url(), .write_key = "wk", .batch_events = 13, .connections = 4, .record = &*record},
        &progress);
    EXPECT_EQ(figures.has_value(), refused.empty());
    EXPECT_EQ(std::filesystem::exists(record->path()), !refused.empty());
    if (figures) {
      EXPECT_EQ(figures->sent_before, known);
      EXPECT_EQ(figures->sent, 900 - before) << "and nothing twice";
    } else {
      EXPECT_NE(figures.error().message().find("the same command goes on"), std::string::npos);
    }
  }
  EXPECT_EQ(platform.ids.size(), 900u);
  // Another file under that name is another import.
  std::ofstream(file) << "others";
  std::ofstream(file + ".import-record") << R"({"of":"x","acknowledged":[[0,5]]})";
  EXPECT_EQ(ImportRecord::Open(io::PosixFileSystem(), file, "", "u")->acknowledged().Count(), 0u);
  std::filesystem::remove(file + ".import-record");
}

// The first run is cut; before the second one `change` happens to the server. How many entries it passes over.
uint64_t SentBefore(const std::function<void(FakePlatform&)>& change) {
  const std::string file = testing::TempDir() + "importer_test_place.jsonl";
  std::ofstream(file) << "events";
  FakePlatform platform;
  platform.refuse_id = "802";
  uint64_t passed_over = 0;
  for (const bool second : {false, true}) {
    if (second) platform.refuse_id.clear();
    if (second) change(platform);
    auto record = ImportRecord::Open(io::PosixFileSystem(), file, "", platform.url());
    EXPECT_TRUE(record.has_value());
    CountedSource source(1000);
    Progress progress("import", 1000, "events");
    const auto figures = Import(
        &source, {.url = platform.url(), .write_key = "wk", .batch_events = 50, .connections = 2, .record = &*record},
        &progress);
    EXPECT_EQ(figures.has_value(), second);
    if (!second) continue;
    passed_over = figures->sent_before;
    EXPECT_EQ(platform.ids.size(), 900u) << "whatever happened, all of the file is there";
  }
  return passed_over;
}

TEST(Importer, PassesOverOnlyWhatTheServerStillHas) {
  EXPECT_GT(SentBefore([](FakePlatform&) {}), 0u);
  EXPECT_EQ(SentBefore([](FakePlatform& platform) {
              platform.folder = "made anew";
              platform.ids.clear();
            }),
            0u);
  // Restored from a copy that was made before the last batch.
  EXPECT_EQ(SentBefore([](FakePlatform& platform) {
              platform.ends_at -= 1;
              platform.ids.clear();
            }),
            0u);
}

TEST(EntryRanges, JoinWhereTheyMeet) {
  EntryRanges ranges;
  ranges.Add(10, 20);
  ranges.Add(30, 40);
  ranges.Add(0, 5);
  EXPECT_EQ(ranges.EndOf(15), 20u);
  EXPECT_EQ(ranges.EndOf(20), 20u);
  ranges.Add(18, 31);
  ranges.Add(5, 10);
  EXPECT_EQ(ranges.ranges(), (std::map<uint64_t, uint64_t>{{0, 40}}));
  EXPECT_EQ(ranges.Count(), 40u);
}

TEST(Importer, SaysAtOnceThatNoServerAnswers) {
  CountedSource source(9);
  Progress progress("import", 9, "events");
  const Micros begin = MonotonicMicros();
  const auto figures = Import(&source, {.url = "http://127.0.0.1:1", .write_key = "wk", .connections = 1}, &progress);
  ASSERT_FALSE(figures.has_value());
  EXPECT_EQ(figures.error().kind(), ErrorKind::kUnavailable);
  EXPECT_NE(figures.error().message().find("feedmill up"), std::string::npos) << figures.error().message();
  EXPECT_LT(MonotonicMicros() - begin, 3 * kMicrosPerSecond);
}

TEST(AdminClient, PassesOnTheServersWords) {
  FakePlatform platform;
  platform.refuse_first = 1;
  platform.refuse_status = 409;
  Connection connection;
  connection.url = platform.url();
  connection.admin_token = "t";
  auto client = AdminClient::Make(connection);
  ASSERT_TRUE(client.has_value());
  const auto refused = client->Call("POST", "bundle/promote", R"({"batch":[]})");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "bundle/promote answered 409: not now");
  EXPECT_EQ(platform.authorization, "Bearer t");
  EXPECT_TRUE(client->Call("POST", "bundle/promote", R"({"batch":[]})").has_value());
}

TEST(AdminClient, SaysWhenNobodyListens) {
  Connection connection;
  connection.url = "http://127.0.0.1:1";
  auto client = AdminClient::Make(connection);
  ASSERT_TRUE(client.has_value());
  const auto answer = client->Call("GET", "bundles", "");
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind(), ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace feedmill::cli
