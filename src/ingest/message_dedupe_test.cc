#include "ingest/message_dedupe.h"

#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "io/harsh_file_system.h"

namespace feedmill::ingest {
namespace {

using Finding = MessageDedupe::Finding;

class MessageDedupeTest : public testing::Test {
 protected:
  Finding Claim(MessageDedupe& dedupe, std::string_view id) { return dedupe.Claim(id, claim_, &holder_); }

  std::shared_ptr<DedupeClaim> claim_ = std::make_shared<DedupeClaim>();
  std::shared_ptr<DedupeClaim> holder_;
};

TEST_F(MessageDedupeTest, AClaimIsInFlightUntilItSettles) {
  MessageDedupe dedupe({}, 0);
  EXPECT_EQ(Claim(dedupe, "a"), Finding::kNew);
  EXPECT_EQ(Claim(dedupe, "a"), Finding::kInFlight);
  EXPECT_EQ(holder_, claim_);
  std::vector<bool> heard;
  holder_->WhenSettled([&](bool durable) { heard.push_back(durable); });
  EXPECT_TRUE(heard.empty());
  dedupe.Settle(*claim_, true, 0);
  holder_->WhenSettled([&](bool durable) { heard.push_back(durable); });
  EXPECT_EQ(heard, std::vector<bool>({true, true}));
  EXPECT_EQ(Claim(dedupe, "a"), Finding::kDurable);
}

TEST_F(MessageDedupeTest, AFailedClaimIsFreeAgain) {
  MessageDedupe dedupe({}, 0);
  Claim(dedupe, "a");
  bool durable = true;
  claim_->WhenSettled([&](bool settled) { durable = settled; });
  dedupe.Settle(*claim_, false, 0);
  EXPECT_FALSE(durable);
  claim_ = std::make_shared<DedupeClaim>();
  EXPECT_EQ(Claim(dedupe, "a"), Finding::kNew);
}

TEST_F(MessageDedupeTest, AgreesWithASet) {
  MessageDedupe dedupe({}, 0);
  std::set<std::string> twin;
  Random random(7);
  for (int i = 0; i < 200'000; ++i) {
    std::string id = fmt::format("id-{}", random.Below(50'000));
    auto claim = std::make_shared<DedupeClaim>();
    bool fresh = twin.insert(id).second;
    ASSERT_EQ(dedupe.Claim(id, claim, &holder_), fresh ? Finding::kNew : Finding::kDurable) << id;
    dedupe.Settle(*claim, true, i);
  }
  EXPECT_EQ(dedupe.size(), twin.size());
}

TEST_F(MessageDedupeTest, OldIdsAreLeftOut) {
  MessageDedupe dedupe({.horizon = 64, .bytes_max = 512 << 20}, 0);
  for (int i = 0; i < 1'000'000; ++i) dedupe.Insert(fmt::format("id-{}", i), i / 1000);
  EXPECT_LT(dedupe.size(), 300'000u);
  EXPECT_EQ(dedupe.forgotten(), 0u);
  EXPECT_EQ(Claim(dedupe, "id-999999"), Finding::kDurable);
  EXPECT_EQ(Claim(dedupe, "id-940000"), Finding::kDurable);
  EXPECT_EQ(Claim(dedupe, "id-0"), Finding::kNew);
}

TEST_F(MessageDedupeTest, TheMemoryBoundForgetsTheOldest) {
  MessageDedupe dedupe({.horizon = 1 << 20, .bytes_max = 1 << 20}, 0);  // 65,536 entries
  for (int i = 0; i < 300'000; ++i) dedupe.Insert(fmt::format("id-{}", i), i);
  EXPECT_LE(dedupe.size(), 49'152u);
  EXPECT_GT(dedupe.size(), 20'000u);
  EXPECT_GT(dedupe.forgotten(), 200'000u);
  EXPECT_EQ(Claim(dedupe, "id-299999"), Finding::kDurable);
  EXPECT_EQ(Claim(dedupe, "id-1"), Finding::kNew);
}

TEST_F(MessageDedupeTest, ForgettingAmongIdsOfOneAgeLeavesGapsEverywhere) {
  MessageDedupe dedupe({.horizon = 7 * kMicrosPerDay, .bytes_max = 64 << 20}, 0);  // 16,384 entries a shard
  for (int i = 0; i < 12'000'000; ++i) dedupe.Insert(fmt::format("id-{}", i), 0);
  EXPECT_GT(dedupe.forgotten(), 8'000'000u);
  EXPECT_LT(dedupe.LongestSearch(), 1'000u);
}

class DedupeCheckpointTest : public MessageDedupeTest {
 protected:
  DedupeCheckpointTest()
      : path_((std::filesystem::temp_directory_path() / fmt::format("dedupe_{}", ::getpid())).string()) {}
  ~DedupeCheckpointTest() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(path_ + ".journal");
  }
  std::string path_;
};

TEST_F(DedupeCheckpointTest, ComesBack) {
  MessageDedupe dedupe({}, 1000);
  for (int i = 0; i < 100'000; ++i) dedupe.Insert(fmt::format("id-{}", i), 1000);
  ASSERT_TRUE(dedupe.Save(io::PosixFileSystem(), path_, {17, 4}));
  MessageDedupe loaded({}, 2000);
  auto offsets = loaded.Load(io::PosixFileSystem(), path_);
  ASSERT_TRUE(offsets) << offsets.error().ToString();
  EXPECT_EQ(*offsets, std::vector<uint64_t>({17, 4}));
  EXPECT_EQ(loaded.size(), 100'000u);
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(Claim(loaded, fmt::format("id-{}", i)), Finding::kDurable);
  EXPECT_EQ(Claim(loaded, "other"), Finding::kNew);
}

TEST_F(DedupeCheckpointTest, DamageIsFoundAndLeavesNothing) {
  MessageDedupe dedupe({}, 1000);
  for (int i = 0; i < 100; ++i) dedupe.Insert(fmt::format("id-{}", i), 1000);
  auto& files = io::PosixFileSystem();
  ASSERT_TRUE(dedupe.Save(files, path_, {17}));
  std::string whole = *io::ReadWholeFile(files, path_);
  for (size_t at = 0; at < whole.size(); at += 7) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    ASSERT_TRUE(io::WriteFileAtomically(files, path_, damaged));
    MessageDedupe loaded({}, 1000);
    auto offsets = loaded.Load(files, path_);
    ASSERT_FALSE(offsets) << at;
    EXPECT_EQ(offsets.error().kind(), ErrorKind::kCorrupt);
    EXPECT_EQ(loaded.size(), 0u);
  }
  ASSERT_TRUE(io::WriteFileAtomically(files, path_, whole.substr(0, whole.size() - 16)));
  MessageDedupe loaded({}, 1000);
  EXPECT_FALSE(loaded.Load(files, path_));
  EXPECT_EQ(loaded.Load(files, path_ + "-nowhere").error().kind(), ErrorKind::kNotFound);
}

TEST_F(DedupeCheckpointTest, WritesWhatIsNewAndNothingWhenNothingIs) {
  io::HarshFileSystem files;
  MessageDedupe dedupe({}, 1000);
  for (int i = 0; i < 100'000; ++i) dedupe.Insert(fmt::format("id-{}", i), 1000);
  ASSERT_TRUE(dedupe.Save(files, "dedupe", {100'000}));
  const uint64_t all = *files.FileSize("dedupe"), empty = *files.FileSize("dedupe.journal");
  EXPECT_GT(all, 1'600'000u);
  for (int i = 0; i < 10; ++i) dedupe.Insert(fmt::format("new-{}", i), 2000);
  ASSERT_TRUE(dedupe.Save(files, "dedupe", {100'010}));
  EXPECT_EQ(*files.FileSize("dedupe"), all);
  EXPECT_LT(*files.FileSize("dedupe.journal") - empty, 10 * 16 + 64u);
  const uint64_t changes = files.changes();
  ASSERT_TRUE(dedupe.Save(files, "dedupe", {100'010}));
  EXPECT_EQ(files.changes(), changes);

  MessageDedupe loaded({}, 3000);
  ASSERT_EQ(*loaded.Load(files, "dedupe"), std::vector<uint64_t>({100'010}));
  EXPECT_EQ(loaded.size(), 100'010u);
  EXPECT_EQ(Claim(loaded, "new-9"), Finding::kDurable);
  loaded.Insert("newer", 3000);
  ASSERT_TRUE(loaded.Save(files, "dedupe", {100'011}));  // goes on in the journal
  EXPECT_EQ(*files.FileSize("dedupe"), all);
  MessageDedupe again({}, 3000);
  ASSERT_TRUE(again.Load(files, "dedupe"));
  EXPECT_EQ(Claim(again, "newer"), Finding::kDurable);
}

TEST_F(DedupeCheckpointTest, TheJournalStaysBounded) {
  io::HarshFileSystem files;
  MessageDedupe dedupe({}, 0);
  uint64_t next = 0;
  for (int save = 0; save < 40; ++save) {
    for (int i = 0; i < 10'000; ++i) dedupe.Insert(fmt::format("id-{}", next++), 1);
    ASSERT_TRUE(dedupe.Save(files, "dedupe", {next}));
    EXPECT_LE(*files.FileSize("dedupe.journal"), 16 * (next + 80'000));
  }
  MessageDedupe loaded({}, 0);
  EXPECT_EQ(*loaded.Load(files, "dedupe"), std::vector<uint64_t>({next}));
  EXPECT_EQ(loaded.size(), next);
}

// Whatever moment the power goes: what a checkpoint says it has read, it knows.
TEST_F(DedupeCheckpointTest, AnyCrashLeavesACheckpointThatIsTrue) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    Random random(seed);
    auto files = std::make_unique<io::HarshFileSystem>(io::HarshOptions{.seed = seed});
    uint64_t next = 0, saved = 0;
    for (int life = 0; life < 4; ++life) {
      MessageDedupe dedupe({}, 0);
      auto offsets = dedupe.Load(*files, "dedupe");
      if (!offsets) {
        ASSERT_TRUE(offsets.error().kind() == ErrorKind::kNotFound || files->stopped()) << offsets.error().ToString();
        ASSERT_EQ(saved, 0u) << seed;
      } else {
        ASSERT_GE(offsets->front(), saved) << seed;
        for (uint64_t id = 0; id < offsets->front(); ++id)
          ASSERT_EQ(Claim(dedupe, fmt::format("id-{}", id)), Finding::kDurable) << seed;
      }
      for (uint64_t id = offsets ? offsets->front() : 0; id < next; ++id) dedupe.Insert(fmt::format("id-{}", id), 1);
      files->StopAfter(1 + random.Below(40));
      for (int save = 0; save < 6; ++save) {
        for (uint64_t i = random.Below(20); i > 0; --i) dedupe.Insert(fmt::format("id-{}", next++), 1);
        if (dedupe.Save(*files, "dedupe", {next})) saved = next;
      }
      files = files->Crash(random.Next());
    }
  }
}

}  // namespace
}  // namespace feedmill::ingest
