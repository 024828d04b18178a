// A few days of a small app as tables of the warehouse, and as the list of events they were made from.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "features/replay.h"
#include "lake/catalog.h"
#include "meta/store.h"
#include "query/engine.h"

namespace feedmill::features {

struct WorldEvent {
  std::string id;
  std::string name;
  Micros time = 0;
  std::string user;
  std::string post;     // "" when none
  std::string target;   // "" when none
  std::string request;  // "" when none
  int64_t position = -1;
  int64_t dwell_ms = 0;
};

struct WorldPost {
  std::string id;
  std::string author;
  std::string topic;
  std::string lang;
  int64_t text_length = 0;
  Micros created = 0;
};

class ReplayWorld {
 public:
  static constexpr Micros kStart = 20'700 * kMicrosPerDay;
  static constexpr int kDays = 4;

  explicit ReplayWorld(uint64_t seed) : random_(seed) {
    MakePosts();
    for (int request = 0; request < 250; ++request) MakeRequest(request);
    std::ranges::sort(events, {}, [](const WorldEvent& e) { return std::pair(e.time, e.id); });
    for (const WorldPost& post : posts) post_key(post.id);
    for (const WorldEvent& event : events) {
      user_key(event.user);
      if (!event.target.empty()) user_key(event.target);
    }
  }

  int64_t user_key(const std::string& id) { return KeyOf(&users, id); }
  int64_t post_key(const std::string& id) { return KeyOf(&post_keys, id); }
  const WorldPost& PostOf(const std::string& id) const { return *std::ranges::find(posts, id, &WorldPost::id); }
  // Whom the event is about, as dwd_user_action says.
  std::string AuthorOf(const WorldEvent& event) const {
    return event.post.empty() ? event.target : PostOf(event.post).author;
  }

  // First impression of the event's request on its day.
  Micros AsOf(const WorldEvent& shown) const {
    Micros first = shown.time;
    for (const WorldEvent& event : events) {
      const bool is_same = event.name == "feed_impression" && event.request == shown.request &&
                           event.time / kMicrosPerDay == shown.time / kMicrosPerDay;
      if (is_same) first = std::min(first, event.time);
    }
    return first;
  }

  std::vector<WorldEvent> events;  // by (time, id)
  std::vector<WorldPost> posts;
  std::map<std::string, int64_t> users;
  std::map<std::string, int64_t> post_keys;

 private:
  static int64_t KeyOf(std::map<std::string, int64_t>* keys, const std::string& id) {
    return keys->try_emplace(id, static_cast<int64_t>(keys->size())).first->second;
  }
  std::string SomeUser() { return "u" + std::to_string(random_.Below(15)); }
  // Times on a coarse grid: many events share an instant.
  Micros SomeTime() { return kStart + static_cast<Micros>(random_.Below(kDays * 24 * 60)) * kMicrosPerMinute; }

  void Add(std::string name, Micros time, std::string user, std::string post, std::string target, std::string request,
           int64_t position, int64_t dwell) {
    events.push_back({fmt::format("e{:06}", random_.Below(900'000) * 1000 + events.size() % 1000), std::move(name),
                      time, std::move(user), std::move(post), std::move(target), std::move(request), position, dwell});
  }

  void MakePosts() {
    for (int i = 0; i < 60; ++i) {
      posts.push_back(
          {"p" + std::to_string(i), SomeUser(), "t" + std::to_string(random_.Below(4)), "l" + std::to_string(i % 3),
           static_cast<int64_t>(random_.Below(500)),
           kStart - kMicrosPerDay + static_cast<Micros>(random_.Below(static_cast<uint64_t>(kMicrosPerDay)))});
    }
  }

  void MakeRequest(int number) {
    const std::string user = SomeUser();
    const std::string request = "r" + std::to_string(number);
    const Micros time = SomeTime();
    Micros shown = time;
    for (int64_t position = 0; position < 6; ++position) {
      const WorldPost& post = posts[random_.Below(posts.size())];
      Add("feed_impression", shown, user, post.id, "", request, position, 0);
      if (random_.Chance(0.4)) {
        static constexpr const char* kNames[] = {"post_click", "like", "comment", "share", "hide", "report", "dwell"};
        const char* name = kNames[random_.Below(7)];
        Add(name, shown + static_cast<Micros>(random_.Below(3)) * kMicrosPerMinute, user, post.id, "", request, -1,
            static_cast<int64_t>(random_.Below(90'000)));
      }
      if (random_.Chance(0.3)) shown += static_cast<Micros>(random_.Below(3)) * kMicrosPerMinute;
    }
    if (random_.Chance(0.4)) Add(random_.Chance(0.7) ? "follow" : "unfollow", time, user, "", SomeUser(), "", -1, 0);
    if (random_.Chance(0.1)) Add("hide", time, user, "", SomeUser(), "", -1, 0);
  }

  Random random_;
};

// The world's tables in a real catalog in a folder of the test.
class ReplayTables {
 public:
  explicit ReplayTables(ReplayWorld& world, const std::string& name)
      : world_(world), folder_(testing::TempDir() + "/" + name) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/tmp");
    const auto migrations = lake::CatalogMigrations();
    store_ = meta::OpenStore(folder_ + "/meta.db", migrations).value();
    lake::CatalogOptions options;
    options.warehouse = folder_ + "/lake";
    catalog_ = lake::OpenCatalog(io::PosixFileSystem(), *store_, clock_, options).value();
    engine_ = query::OpenEngine({.temporary_directory = folder_ + "/tmp", .memory_bytes_max = 1ull << 30}).value();
    session_ = engine_->NewSession().value();
  }
  ~ReplayTables() { std::filesystem::remove_all(folder_); }

  // Writes the warehouse of all events for which `keep` holds.
  void Write(const std::function<bool(const WorldEvent&)>& keep) {
    Execute(
        "CREATE OR REPLACE TEMP TABLE action (event_id VARCHAR, event_name VARCHAR, event_time TIMESTAMPTZ, user_key "
        "BIGINT, user_id VARCHAR, "
        "post_key BIGINT, post_id VARCHAR, author_key BIGINT, author_id VARCHAR, target_user_key BIGINT, "
        "target_user_id VARCHAR, topic VARCHAR, "
        "request_id VARCHAR, position BIGINT, scene VARCHAR, source VARCHAR, dwell_ms BIGINT)");
    std::string actions;
    for (const WorldEvent& event : world_.events) {
      if (keep(event)) actions += (actions.empty() ? "(" : ", (") + ActionRow(event) + ")";
    }
    Execute("INSERT INTO action VALUES " + actions);
    Execute(
        "CREATE OR REPLACE TEMP TABLE post (post_key BIGINT, post_id VARCHAR, text_length BIGINT, lang VARCHAR, "
        "created_time "
        "TIMESTAMPTZ, valid_from TIMESTAMPTZ, version INTEGER)");
    for (const WorldPost& post : world_.posts) {
      Execute(fmt::format("INSERT INTO post VALUES ({}, '{}', {}, '{}', make_timestamptz({}), make_timestamptz({}), 1)",
                          world_.post_key(post.id), post.id, post.text_length, post.lang, post.created, post.created));
    }
    Publish("dwd.dwd_user_action", "SELECT * FROM action", {{"event_time", lake::Transform::kDay}});
    Publish("dwd.dwd_impression",
            "SELECT event_id, event_time, request_id, user_key, user_id, post_key, post_id, author_key, author_id, "
            "topic, position, scene, source, "
            "CAST(position % 2 AS INTEGER) AS clicked, 0 AS liked, 1 AS commented, 0 AS shared, 0 AS followed, 0 AS "
            "hidden, dwell_ms "
            "FROM action WHERE event_name = 'feed_impression'",
            {{"event_time", lake::Transform::kDay}});
    Publish("dwd.dwd_post", "SELECT * FROM post", {});
    // Changes only, as dwd_user_relation has them; written plainly here: a follow stands until the next unfollow of the
    // pair.
    Publish(
        "dwd.dwd_user_relation",
        "WITH e AS (SELECT *, LAG(event_name) OVER w AS former FROM action WHERE event_name IN ('follow', 'unfollow') "
        "WINDOW w AS (PARTITION BY user_key, target_user_key ORDER BY event_time, event_id)), "
        "c AS (SELECT *, LEAD(event_time) OVER (PARTITION BY user_key, target_user_key ORDER BY event_time, event_id) "
        "AS next "
        "FROM e WHERE event_name <> COALESCE(former, 'unfollow')) "
        "SELECT user_key, target_user_key, event_time AS valid_from, next AS valid_to FROM c WHERE event_name = "
        "'follow'",
        {});
    std::string users;
    for (const auto& [id, key] : world_.users) users += fmt::format("{}({}, '{}')", users.empty() ? "" : ", ", key, id);
    Publish("dim.dim_user", "SELECT CAST(k AS BIGINT) AS user_key, i AS user_id FROM (VALUES " + users + ") t(k, i)",
            {});
    Publish("dim.dim_post", "SELECT post_key, post_id FROM post", {});
  }

  ReplayArguments Arguments(const FeatureSet& set, Micros start, Micros end) {
    return {.files = &io::PosixFileSystem(),
            .catalog = catalog_.get(),
            .engine = engine_.get(),
            .set = &set,
            .checkpoint_folder = folder_ + "/counters",
            .start = start,
            .end = end,
            .on_progress = nullptr,
            .run_id = {}};
  }
  query::Rows Query(const std::string& table, const std::string& sql) {
    EXPECT_TRUE(session_->RegisterTable(*catalog_, table).has_value());
    auto rows = session_->Query(sql);
    EXPECT_TRUE(rows.has_value()) << rows.error().ToString();
    return std::move(*rows);
  }
  const std::string& folder() const { return folder_; }

 private:
  void Execute(const std::string& sql) {
    const auto status = session_->Execute(sql);
    ASSERT_TRUE(status.has_value()) << status.error().ToString();
  }
  static std::string Text(const std::string& text) { return text.empty() ? "NULL" : "'" + text + "'"; }
  std::string ActionRow(const WorldEvent& event) {
    const std::string author = world_.AuthorOf(event);
    return fmt::format(
        "'{}', '{}', make_timestamptz({}), {}, '{}', {}, {}, {}, {}, {}, {}, {}, {}, {}, 'home', 'fresh', {}", event.id,
        event.name, event.time, world_.user_key(event.user), event.user,
        event.post.empty() ? "NULL" : std::to_string(world_.post_key(event.post)), Text(event.post),
        author.empty() ? "NULL" : std::to_string(world_.user_key(author)), Text(author),
        event.target.empty() ? "NULL" : std::to_string(world_.user_key(event.target)), Text(event.target),
        event.post.empty() ? "NULL" : Text(world_.PostOf(event.post).topic), Text(event.request),
        event.position < 0 ? "NULL" : std::to_string(event.position), event.dwell_ms);
  }
  void Publish(const std::string& table, const std::string& select, const lake::PartitionSpec& spec) {
    if (catalog_->Load(table).has_value()) {
      ASSERT_TRUE(catalog_->Drop(table, true).has_value());
    }
    const auto columns = session_->DescribeQuery(select);
    ASSERT_TRUE(columns.has_value()) << columns.error().ToString();
    ASSERT_TRUE(catalog_->Create(table, *columns, spec).has_value());
    auto files = session_->WriteQuery(*catalog_, table, select, fmt::format("rows-{}", ++published_));
    ASSERT_TRUE(files.has_value()) << files.error().ToString();
    lake::CommitRequest request;
    request.files = *files;
    const auto committed = catalog_->Commit(table, request);
    ASSERT_TRUE(committed.has_value()) << committed.error().ToString();
  }

  ReplayWorld& world_;
  std::string folder_;
  int published_ = 0;  // a file's name is never used again: engines keep what they have read of a path
  SystemClock clock_;
  std::unique_ptr<meta::Store> store_;
  std::unique_ptr<lake::Catalog> catalog_;
  std::unique_ptr<query::Engine> engine_;
  std::unique_ptr<query::Session> session_;
};

}  // namespace feedmill::features
