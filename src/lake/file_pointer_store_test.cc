#include <unistd.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <nlohmann/json.hpp>

#include "io/harsh_file_system.h"
#include "lake/catalog.h"
#include "lake/file_pointer_store_internal.h"
#include "lake/pointer_store.h"
#include "meta/store.h"

namespace feedmill::lake {

using nlohmann::json;

namespace {

// tables: name -> location; offsets: table -> stream -> partition -> next; epochs: stream -> epoch;
// batches: table -> batch -> {id, committed}.
class FilePointerStore final : public PointerStore {
 public:
  FilePointerStore(io::FileSystem& files, std::string folder) : files_(files), folder_(std::move(folder)) {}

  Result<std::vector<std::string>> List() override {
    FEEDMILL_ASSIGN(json state, Read());
    std::vector<std::string> names;
    for (const auto& [name, location] : state["tables"].items()) names.push_back(name);
    return names;
  }

  Result<std::string> Location(const std::string& table) override {
    FEEDMILL_ASSIGN(json state, Read());
    return LocationIn(state, table);
  }

  Status Insert(const std::string& table, const std::string& location) override {
    return Change([&](json& state) -> Status {
      if (state["tables"].contains(table)) return AlreadyExists("table '{}' exists", table);
      state["tables"][table] = location;
      return Ok();
    });
  }

  Status Delete(const std::string& table) override {
    return Change([&](json& state) -> Status {
      FEEDMILL_TRY(LocationIn(state, table));
      for (const char* part : {"tables", "offsets", "batches"}) state[part].erase(table);
      return Ok();
    });
  }

  Result<SwapOutcome> Swap(const PointerChange& change) override {
    SwapOutcome outcome = SwapOutcome::kSwapped;
    FEEDMILL_TRY(Change([&](json& state) -> Status {
      FEEDMILL_ASSIGN(std::string location, LocationIn(state, change.table));
      if (change.landing) {
        const std::string& stream = change.landing->stream;
        FEEDMILL_TRY(CheckFence(*change.landing, OffsetsIn(state, change.table, stream), EpochIn(state, stream)));
      }
      if (location != change.expected_location) {
        outcome = SwapOutcome::kPointerMoved;
        return Ok();
      }
      if (change.landing) WriteLanding(state, change);
      state["tables"][change.table] = change.location;
      return Ok();
    }));
    return outcome;
  }

  Result<Offsets> LandedOffsets(const std::string& table, const std::string& stream) override {
    FEEDMILL_ASSIGN(json state, Read());
    FEEDMILL_TRY(LocationIn(state, table));
    return OffsetsIn(state, table, stream);
  }

  Result<std::set<int64_t>> PinnedSnapshots(const std::string&) override { return std::set<int64_t>{}; }

  Result<int64_t> RaiseWriterEpoch(const std::string& stream) override {
    int64_t epoch = 0;
    FEEDMILL_TRY(Change([&](json& state) -> Status {
      epoch = EpochIn(state, stream) + 1;
      state["epochs"][stream] = epoch;
      return Ok();
    }));
    return epoch;
  }

  Result<int64_t> WriterEpoch(const std::string& stream) override {
    FEEDMILL_ASSIGN(const json state, Read());
    return EpochIn(state, stream);
  }

  Result<PreparedBatch> PrepareBatch(const std::string& table, const std::string& batch_id,
                                     int64_t snapshot_id) override {
    PreparedBatch batch;
    FEEDMILL_TRY(Change([&](json& state) -> Status {
      json& known = state["batches"][table][batch_id];
      if (known.is_null()) known = {{"id", snapshot_id}, {"committed", false}};
      batch = {known["id"].get<int64_t>(), known["committed"].get<bool>()};
      return Ok();
    }));
    return batch;
  }

 private:
  std::string Path() const { return folder_ + "/pointers.json"; }

  Result<json> Read() {
    FEEDMILL_ASSIGN(bool exists, files_.Exists(Path()));
    if (!exists) return json::parse(R"({"tables":{},"offsets":{},"epochs":{},"batches":{}})");
    FEEDMILL_ASSIGN(std::string text, io::ReadWholeFile(files_, Path()));
    json state = json::parse(text, nullptr, false);
    if (state.is_discarded()) return Corrupt("{}: not whole", Path());
    // What a failed write left visible may be gone after a crash; nobody may build on it before it is durable.
    if (unsure_) FEEDMILL_TRY(io::WriteFileAtomically(files_, Path(), text));
    unsure_ = false;
    return state;
  }

  template <typename Body>
  Status Change(const Body& body) {
    FEEDMILL_TRY(files_.CreateDirectories(folder_));
    FEEDMILL_ASSIGN(json state, Read());
    const json before = state;
    FEEDMILL_TRY(body(state));
    if (state == before) return Ok();
    unsure_ = true;
    FEEDMILL_TRY(io::WriteFileAtomically(files_, Path(), state.dump()));
    unsure_ = false;
    return Ok();
  }

  static Result<std::string> LocationIn(const json& state, const std::string& table) {
    if (!state["tables"].contains(table)) return NotFound("table '{}' does not exist", table);
    return state["tables"][table].get<std::string>();
  }

  static Offsets OffsetsIn(const json& state, const std::string& table, const std::string& stream) {
    Offsets offsets;
    const json found = state["offsets"].value(table, json::object()).value(stream, json::object());
    for (const auto& [partition, next] : found.items()) offsets[std::stoul(partition)] = next.get<uint64_t>();
    return offsets;
  }

  static int64_t EpochIn(const json& state, const std::string& stream) {
    return state["epochs"].value(stream, int64_t{0});
  }

  static void WriteLanding(json& state, const PointerChange& change) {
    const LandingMark& landing = *change.landing;
    for (auto [partition, next] : landing.next)
      state["offsets"][change.table][landing.stream][std::to_string(partition)] = next;
    state["epochs"][landing.stream] = std::max(EpochIn(state, landing.stream), landing.writer_epoch);
    state["batches"][change.table][landing.batch_id] = {{"id", change.snapshot_id}, {"committed", true}};
  }

  io::FileSystem& files_;
  const std::string folder_;
  bool unsure_ = false;  // whether the last write is durable
};

}  // namespace

std::unique_ptr<PointerStore> MakeFilePointerStore(io::FileSystem& files, std::string folder) {
  return std::make_unique<FilePointerStore>(files, std::move(folder));
}

namespace {

// One suite for every pointer store, so that the twin promises what the product's store does.
class PointerStoreTest : public testing::TestWithParam<const char*> {
 protected:
  PointerStoreTest()
      : path_(std::filesystem::temp_directory_path() / fmt::format("feedmill_pointers_{}.db", getpid())) {
    if (GetParam() == std::string("sql")) {
      RemoveFiles();
      sql_ = std::move(*meta::OpenStore(path_.string(), CatalogMigrations()));
      pointers_ = MakeSqlPointerStore(*sql_);
    } else {
      pointers_ = MakeFilePointerStore(memory_, "/meta");
    }
  }
  ~PointerStoreTest() override { RemoveFiles(); }
  void RemoveFiles() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_.string() + suffix);
  }

  static PointerChange Change(const std::string& from, const std::string& to) {
    PointerChange change;
    change.table = "a.t";
    change.expected_location = from;
    change.location = to;
    change.snapshot_id = 7;
    return change;
  }
  static PointerChange Landing(const std::string& from, const std::string& to, uint64_t expected, uint64_t next,
                               int64_t epoch) {
    PointerChange change = Change(from, to);
    change.landing = LandingMark{"events", {{2, expected}}, {{2, next}}, fmt::format("batch-{}", next), epoch};
    return change;
  }

  const std::filesystem::path path_;
  io::HarshFileSystem memory_;
  std::unique_ptr<meta::Store> sql_;
  std::unique_ptr<PointerStore> pointers_;
};

TEST_P(PointerStoreTest, KeepsPointers) {
  ASSERT_TRUE(pointers_->Insert("a.t", "v0"));
  EXPECT_EQ(pointers_->Insert("a.t", "v1").error().kind(), ErrorKind::kAlreadyExists);
  EXPECT_EQ(*pointers_->Location("a.t"), "v0");
  EXPECT_EQ(pointers_->Location("a.u").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(*pointers_->List(), std::vector<std::string>{"a.t"});
  ASSERT_TRUE(pointers_->Delete("a.t"));
  EXPECT_EQ(pointers_->Delete("a.t").error().kind(), ErrorKind::kNotFound);
}

TEST_P(PointerStoreTest, SwapsOnlyWhatItExpects) {
  ASSERT_TRUE(pointers_->Insert("a.t", "v0"));
  EXPECT_EQ(*pointers_->Swap(Change("v0", "v1")), SwapOutcome::kSwapped);
  EXPECT_EQ(*pointers_->Swap(Change("v0", "v2")), SwapOutcome::kPointerMoved);
  EXPECT_EQ(*pointers_->Location("a.t"), "v1");
}

TEST_P(PointerStoreTest, AFenceThatFailsChangesNothing) {
  ASSERT_TRUE(pointers_->Insert("a.t", "v0"));
  EXPECT_EQ(*pointers_->Swap(Landing("v0", "v1", 0, 10, 1)), SwapOutcome::kSwapped);
  EXPECT_EQ(pointers_->Swap(Landing("v1", "v2", 5, 15, 1)).error().kind(), ErrorKind::kConflict) << "offsets";
  EXPECT_EQ(pointers_->Swap(Landing("v1", "v2", 10, 20, 0)).error().kind(), ErrorKind::kConflict) << "epoch";
  EXPECT_EQ(*pointers_->Swap(Landing("v0", "v2", 10, 20, 1)), SwapOutcome::kPointerMoved);
  EXPECT_EQ(*pointers_->Location("a.t"), "v1");
  EXPECT_EQ(*pointers_->LandedOffsets("a.t", "events"), (Offsets{{2, 10}}));
  EXPECT_EQ(*pointers_->RaiseWriterEpoch("events"), 2);
  EXPECT_EQ(*pointers_->WriterEpoch("events"), 2);
  EXPECT_EQ(*pointers_->WriterEpoch("others"), 0);
  EXPECT_EQ(pointers_->Swap(Landing("v1", "v2", 10, 20, 1)).error().kind(), ErrorKind::kConflict) << "taken over";
}

TEST_P(PointerStoreTest, ABatchKeepsItsSnapshotId) {
  ASSERT_TRUE(pointers_->Insert("a.t", "v0"));
  EXPECT_EQ(pointers_->PrepareBatch("a.t", "batch-10", 7)->snapshot_id, 7);
  auto again = pointers_->PrepareBatch("a.t", "batch-10", 8);
  EXPECT_EQ(again->snapshot_id, 7);
  EXPECT_FALSE(again->committed);
  ASSERT_TRUE(pointers_->Swap(Landing("v0", "v1", 0, 10, 0)));
  again = pointers_->PrepareBatch("a.t", "batch-10", 9);
  EXPECT_EQ(again->snapshot_id, 7);
  EXPECT_TRUE(again->committed);
  ASSERT_TRUE(pointers_->Delete("a.t"));
  ASSERT_TRUE(pointers_->Insert("a.t", "v0"));
  EXPECT_TRUE(pointers_->LandedOffsets("a.t", "events")->empty()) << "a dropped table's offsets are gone";
  EXPECT_EQ(pointers_->PrepareBatch("a.t", "batch-10", 9)->snapshot_id, 9);
}

TEST(FilePointerStoreTest, WhatIsReadAfterAFailedSwapIsDurable) {
  for (uint64_t call = 1; call <= 8; ++call) {
    io::HarshFileSystem files;
    auto pointers = MakeFilePointerStore(files, "/meta");
    ASSERT_TRUE(pointers->Insert("a.t", "v0"));
    PointerChange change;
    change.table = "a.t";
    change.expected_location = "v0";
    change.location = "v1";
    files.FailCall(call, io::Fault::kSyncFails);
    (void)pointers->Swap(change);
    const auto seen = pointers->Location("a.t");
    if (!seen) continue;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const auto after = files.Crash(seed);
      EXPECT_EQ(*MakeFilePointerStore(*after, "/meta")->Location("a.t"), *seen) << "call " << call;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, PointerStoreTest, testing::Values("sql", "file"));

}  // namespace
}  // namespace feedmill::lake
