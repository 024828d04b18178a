#include "meta/store.h"

#include <atomic>
#include <filesystem>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "meta/migrate.h"
#include "meta/store_file.h"

namespace feedmill::meta {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : folder_(std::filesystem::temp_directory_path() / fmt::format("feedmill_meta_{}", getpid())) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  std::string Path() const { return (folder_ / "meta.db").string(); }
  std::unique_ptr<Store> Open() {
    auto store = OpenStore(Path(), migrations_);
    EXPECT_TRUE(store.has_value()) << store.error().ToString();
    return std::move(*store);
  }
  static int64_t Count(Store& store) {
    int64_t count = -1;
    auto outcome = store.Read([&](Transaction& transaction) -> Status {
      FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT count(*) FROM item"));
      count = std::get<int64_t>(rows[0][0]);
      return Ok();
    });
    EXPECT_TRUE(outcome.has_value()) << outcome.error().ToString();
    return count;
  }
  static Status Insert(Transaction& transaction, int64_t id, Value payload) {
    const Value values[] = {id, std::move(payload)};
    FEEDMILL_TRY(transaction.Execute("INSERT INTO item VALUES (?1, ?2)", values));
    return Ok();
  }

  const std::filesystem::path folder_;
  std::vector<Migration> migrations_ = {{"test/001", "CREATE TABLE item (id INTEGER PRIMARY KEY, payload)"}};
};

TEST_F(StoreTest, KeepsEveryKindOfValue) {
  auto store = Open();
  const std::string text_with_zero("a\0b", 3);
  const std::vector<Value> values = {nullptr, int64_t{-5}, 2.5, std::string("text"), std::string(), text_with_zero};
  ASSERT_TRUE(store->Write([&](Transaction& transaction) -> Status {
    for (size_t i = 0; i < values.size(); ++i) FEEDMILL_TRY(Insert(transaction, static_cast<int64_t>(i), values[i]));
    return Ok();
  }));
  ASSERT_TRUE(store->Read([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT payload FROM item ORDER BY id"));
    EXPECT_EQ(rows.size(), values.size());
    for (size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i][0], values[i]) << i;
    return Ok();
  }));
}

TEST_F(StoreTest, AnErrorOfTheBodyRollsBack) {
  auto store = Open();
  auto outcome = store->Write([](Transaction& transaction) -> Status {
    FEEDMILL_TRY(Insert(transaction, 1, nullptr));
    return Aborted("changed my mind");
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kAborted);
  EXPECT_EQ(Count(*store), 0);
}

TEST_F(StoreTest, AFailedStatementLeavesTheStoreUsable) {
  auto store = Open();
  auto twice = store->Write([](Transaction& transaction) -> Status {
    FEEDMILL_TRY(Insert(transaction, 1, nullptr));
    return Insert(transaction, 1, nullptr);
  });
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind(), ErrorKind::kAlreadyExists);
  EXPECT_TRUE(store->Write([](Transaction& transaction) { return Insert(transaction, 1, nullptr); }));
  EXPECT_EQ(Count(*store), 1);
}

TEST_F(StoreTest, SaysWhatIsWrongWithAStatement) {
  auto store = Open();
  auto run = [&](std::string_view sql, std::span<const Value> values = {}) {
    return store->Write([&](Transaction& transaction) -> Status {
      FEEDMILL_TRY(transaction.Execute(sql, values));
      return Ok();
    });
  };
  EXPECT_THAT(run("SELECT * FROM absent").error().message(), testing::HasSubstr("no such table: absent"));
  EXPECT_EQ(run("DELETE FROM item; DELETE FROM item").error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(run("DELETE FROM item WHERE id = ?1").error().kind(), ErrorKind::kInvalidArgument);
  EXPECT_EQ(run("").error().kind(), ErrorKind::kInvalidArgument);
}

TEST_F(StoreTest, ExecuteCountsChangedRows) {
  auto store = Open();
  ASSERT_TRUE(store->Write([](Transaction& transaction) -> Status {
    for (int64_t id = 0; id < 5; ++id) FEEDMILL_TRY(Insert(transaction, id, id % 2));
    FEEDMILL_ASSIGN(int64_t changed, transaction.Execute("UPDATE item SET payload = 9 WHERE payload = 1"));
    EXPECT_EQ(changed, 2);
    FEEDMILL_ASSIGN(int64_t unchanged, transaction.Execute("UPDATE item SET payload = 9 WHERE payload = 77"));
    EXPECT_EQ(unchanged, 0);
    return Ok();
  }));
}

TEST_F(StoreTest, ANestedWriteIsRefusedInsteadOfHanging) {
  auto store = Open();
  auto outcome = store->Write([&](Transaction&) { return store->Write([](Transaction&) { return Ok(); }); });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kInternal);
  EXPECT_TRUE(store->Write([](Transaction&) { return Ok(); }));
}

TEST_F(StoreTest, AReadSeesOneSnapshot) {
  auto store = Open();
  ASSERT_TRUE(store->Read([&](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(auto before, transaction.Query("SELECT count(*) FROM item"));
    std::thread([&] {
      EXPECT_TRUE(store->Write([](Transaction& other) { return Insert(other, 1, nullptr); }));
    }).join();
    FEEDMILL_ASSIGN(auto after, transaction.Query("SELECT count(*) FROM item"));
    EXPECT_EQ(before, after);
    return Ok();
  }));
  EXPECT_EQ(Count(*store), 1);
}

TEST_F(StoreTest, AReadCannotWrite) {
  auto store = Open();
  EXPECT_FALSE(store->Read([](Transaction& transaction) { return Insert(transaction, 1, nullptr); }));
}

TEST_F(StoreTest, MoreStatementsThanAreCached) {
  auto store = Open();
  ASSERT_TRUE(store->Read([](Transaction& transaction) -> Status {
    for (int round = 0; round < 2; ++round) {
      for (int64_t i = 0; i < 200; ++i) {
        FEEDMILL_ASSIGN(auto rows, transaction.Query(fmt::format("SELECT {}", i)));
        EXPECT_EQ(rows[0][0], Value(i));
      }
    }
    return Ok();
  }));
}

TEST_F(StoreTest, ThreadsAndProcessesCountTogether) {
  constexpr int kProcesses = 2, kThreads = 3, kRounds = 40;
  {
    auto store = Open();
    ASSERT_TRUE(store->Write([](Transaction& transaction) { return Insert(transaction, 1, int64_t{0}); }));
  }
  auto count_up = [this] {
    auto store = Open();
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          auto outcome = store->Write([](Transaction& transaction) -> Status {
            FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT payload FROM item WHERE id = 1"));
            const Value next[] = {std::get<int64_t>(rows[0][0]) + 1};
            FEEDMILL_TRY(transaction.Execute("UPDATE item SET payload = ?1 WHERE id = 1", next));
            return Ok();
          });
          failures += !outcome;
        }
      });
    }
    threads.clear();
    return failures.load();
  };
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = fork();
    if (child == 0) _exit(count_up() == 0 ? 0 : 1);
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  auto store = Open();
  ASSERT_TRUE(store->Read([](Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(auto rows, transaction.Query("SELECT payload FROM item WHERE id = 1"));
    EXPECT_EQ(rows[0][0], Value(int64_t{kProcesses * kThreads * kRounds}));
    return Ok();
  }));
}

TEST_F(StoreTest, AKilledWriterLeavesTheFormerState) {
  {
    Open();
  }
  const pid_t child = fork();
  if (child == 0) {
    auto store = Open();
    (void)store->Write([](Transaction& transaction) -> Status {
      FEEDMILL_TRY(Insert(transaction, 1, nullptr));
      _exit(0);
    });
    _exit(1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  auto store = Open();
  EXPECT_EQ(Count(*store), 0);
  EXPECT_TRUE(store->Write([](Transaction& transaction) { return Insert(transaction, 1, nullptr); }));
}

TEST_F(StoreTest, AFileThatIsNoDatabaseIsCorrupt) {
  FILE* file = fopen(Path().c_str(), "w");
  ASSERT_NE(file, nullptr);
  for (int i = 0; i < 1000; ++i) fputs("not a database ", file);
  fclose(file);
  auto store = OpenStore(Path(), migrations_);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind(), ErrorKind::kCorrupt) << store.error().ToString();
}

TEST_F(StoreTest, ACopyHasWhatWasCommitted) {
  auto store = Open();
  ASSERT_TRUE(store->Write([](Transaction& transaction) { return Insert(transaction, 1, std::string("kept")); }));
  const std::string to = (folder_ / "copy.db").string();
  ASSERT_TRUE(store->Write([&](Transaction& transaction) -> Status {
    FEEDMILL_TRY(Insert(transaction, 2, nullptr));
    return CopyStore(Path(), to);
  })) << "while another transaction is open";
  EXPECT_FALSE(CopyStore(Path(), to)) << "the file must be new";
  auto copy = OpenStore(to, migrations_);
  ASSERT_TRUE(copy) << copy.error().ToString();
  EXPECT_EQ(Count(**copy), 1);
  EXPECT_EQ(Count(*store), 2);
  EXPECT_TRUE(CheckStore(to));
}

TEST_F(StoreTest, AMissingFolderIsNamed) {
  auto store = OpenStore((folder_ / "absent" / "meta.db").string(), migrations_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message(), testing::HasSubstr("absent/meta.db"));
}

TEST_F(StoreTest, WithoutDescriptorsTheLimitIsNamed) {
  Open();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{static_cast<rlim_t>(::dup(0)), before.rlim_max};
  ::close(static_cast<int>(none.rlim_cur));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto store = OpenStore(Path(), migrations_);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(store.has_value());
  EXPECT_THAT(store.error().message(), testing::HasSubstr("too many open files"));
}

// A copy of the file without the write-ahead log.
TEST_F(StoreTest, WhatIsSettledIsInTheFile) {
  const auto store = Open();
  ASSERT_TRUE(store->Write([](Transaction& transaction) { return Insert(transaction, 1, std::string("x")); }));
  EXPECT_TRUE(SettleStore(*store).value_or(false));
  std::filesystem::copy_file(Path(), folder_ / "copy.db");
  const auto copy = OpenStore((folder_ / "copy.db").string(), migrations_);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(Count(**copy), 1);
}

}  // namespace
}  // namespace feedmill::meta
