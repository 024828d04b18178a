#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access/key_ring.h"
#include "base/hash.h"
#include "base/matchers.h"

namespace feedmill::access {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class AccessTest : public testing::Test {
 protected:
  AccessTest() : path_(testing::TempDir() + "/access_test.db"), clock_(kNow) {
    Remove();
    store_ = meta::OpenStore(path_, AccessMigrations()).value();
  }
  ~AccessTest() override {
    store_.reset();
    Remove();
  }
  void Remove() {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
  }

  std::unique_ptr<KeyRing> Ring() {
    return KeyRing::Open(*store_, clock_,
                         [this]() -> Result<std::vector<FileKey>> {
                           if (file_fails_) return Io("the file went away");
                           return file_;
                         })
        .value();
  }
  std::string Add(const std::string& name, Scope scope, Micros ends_at = 0) {
    return AddKey(*store_, {name, scope, ends_at}, clock_.Now()).value();
  }

  static constexpr Micros kNow = 1'790'000'000 * kMicrosPerSecond;
  std::string path_;
  ManualClock clock_;
  std::unique_ptr<meta::Store> store_;
  std::vector<FileKey> file_ = {{"file-write", {"app", Scope::kWrite}}, {"file-read", {"read", Scope::kRead}}};
  bool file_fails_ = false;
};

TEST_F(AccessTest, AKeyOpensWhatItIsFor) {
  const std::string secret = Add("phone-app", Scope::kWrite);
  const auto ring = Ring();
  EXPECT_EQ(ring->Find(secret)->name, "phone-app");
  EXPECT_TRUE(ring->Opens(secret, Scope::kWrite));
  EXPECT_FALSE(ring->Opens(secret, Scope::kRead));
  EXPECT_FALSE(ring->Opens(secret + "x", Scope::kWrite));
  EXPECT_FALSE(ring->Opens(secret.substr(1), Scope::kWrite));
  EXPECT_FALSE(ring->Opens("", Scope::kWrite));
  EXPECT_EQ(ring->Find("file-write")->name, "app");
  EXPECT_EQ(ring->FileSecret(Scope::kRead), "file-read");
  EXPECT_EQ(ring->FileSecret(Scope::kAdmin), "");
}

TEST_F(AccessTest, NothingThatIsKeptTellsAKey) {
  const std::string secret = Add("phone-app", Scope::kWrite);
  const auto keys = ListKeys(*store_, kNow).value();
  ASSERT_THAT(keys, SizeIs(1));
  EXPECT_EQ(keys[0].hash, Sha256Hex(secret));
  EXPECT_EQ(keys[0].shown, secret.substr(0, 4));
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") << "FIPS 180-2";
}

TEST_F(AccessTest, ItEndsWhenItSaysOrWhenItIsRevoked) {
  const std::string brief = Add("partner", Scope::kRead, kNow + kMicrosPerHour);
  const std::string lasting = Add("backend", Scope::kRead);
  const auto ring = Ring();
  EXPECT_TRUE(ring->Opens(brief, Scope::kRead));
  clock_.Set(kNow + kMicrosPerHour);
  EXPECT_FALSE(ring->Opens(brief, Scope::kRead)) << "without being read again";
  EXPECT_TRUE(ring->Opens(lasting, Scope::kRead));
  EXPECT_THAT(RevokeKeys(*store_, "backend", clock_.Now()), IsOk());
  EXPECT_THAT(ring->Refresh(), IsOk());
  EXPECT_FALSE(ring->Opens(lasting, Scope::kRead));
  EXPECT_EQ(RevokeKeys(*store_, "backend", clock_.Now()).error().kind(), ErrorKind::kNotFound);
  EXPECT_THAT(ListKeys(*store_, clock_.Now()).value(), SizeIs(2)) << "told for a while";
  EXPECT_THAT(ForgetEndedKeys(*store_, clock_.Now() + kEndedKept), IsOk());
  EXPECT_THAT(ListKeys(*store_, clock_.Now()).value(), IsEmpty());
}

TEST_F(AccessTest, ANewOneIsInUseBeforeTheFormerEnds) {
  const std::string first = Add("backend", Scope::kRead);
  const auto ring = Ring();
  const std::string second = RotateKey(*store_, "backend", kNow + kMicrosPerHour, kNow).value();
  EXPECT_THAT(ring->Refresh(), IsOk());
  EXPECT_EQ(ring->Find(first)->name, "backend");
  EXPECT_EQ(ring->Find(second)->name, "backend");
  const std::string third = RotateKey(*store_, "backend", kNow + 2 * kMicrosPerHour, kNow).value();
  EXPECT_THAT(ring->Refresh(), IsOk());
  clock_.Set(kNow + kMicrosPerHour);
  EXPECT_FALSE(ring->Opens(first, Scope::kRead)) << "a later rotation gives it no more time";
  EXPECT_TRUE(ring->Opens(second, Scope::kRead));
  clock_.Set(kNow + 2 * kMicrosPerHour);
  EXPECT_FALSE(ring->Opens(second, Scope::kRead));
  EXPECT_TRUE(ring->Opens(third, Scope::kRead));
  EXPECT_EQ(RotateKey(*store_, "nobody", 0, kNow).error().kind(), ErrorKind::kNotFound);
}

TEST_F(AccessTest, ANewOneLastsAsLongAsTheFormerWasMadeFor) {
  const std::string first = Add("partner", Scope::kRead, kNow + kMicrosPerHour);
  clock_.Set(kNow + kMicrosPerHour - 1);
  RotateKey(*store_, "partner", kNow + 2 * kMicrosPerHour, clock_.Now()).value();
  const auto keys = ListKeys(*store_, clock_.Now()).value();
  EXPECT_EQ(keys[0].ends_at, kNow + 2 * kMicrosPerHour - 1);
  EXPECT_EQ(keys[1].ends_at, kNow + kMicrosPerHour) << "keeping gives no key more time than it had";
}

TEST_F(AccessTest, TheFilesKeyMayGoOnForAWhile) {
  const auto ring = Ring();
  const auto keep = [&](std::string_view secret, Micros end) {
    return store_->Write([&](meta::Transaction& transaction) {
      return KeepKey(transaction, secret, {"app", Scope::kWrite, end}, clock_.Now());
    });
  };
  EXPECT_THAT(keep("file-write", kNow + kMicrosPerHour), IsOk());
  file_[0].secret = "other-write";
  EXPECT_THAT(ring->Refresh(), IsOk());
  EXPECT_EQ(ring->Find("file-write")->name, "app");
  EXPECT_EQ(ring->Find("other-write")->name, "app");
  EXPECT_EQ(ring->FileSecret(Scope::kWrite), "other-write");
  EXPECT_THAT(keep("other-write", kNow + kMicrosPerHour / 2), IsOk());
  EXPECT_THAT(ring->Refresh(), IsOk());
  clock_.Set(kNow + kMicrosPerHour / 2);
  EXPECT_FALSE(ring->Opens("file-write", Scope::kWrite)) << "one that is kept no longer ends the others";
  EXPECT_TRUE(ring->Opens("other-write", Scope::kWrite)) << "it stands in the file";
}

TEST_F(AccessTest, KeysThatCannotBeReadStayAsTheyWere) {
  const std::string secret = Add("backend", Scope::kRead);
  const auto ring = Ring();
  file_fails_ = true;
  EXPECT_THAT(ring->Refresh().error().message(), HasSubstr("went away"));
  EXPECT_TRUE(ring->Opens(secret, Scope::kRead));
  EXPECT_TRUE(ring->Opens("file-read", Scope::kRead));
}

TEST_F(AccessTest, UsesAreNoted) {
  const std::string secret = Add("backend", Scope::kRead);
  {
    const auto ring = Ring();
    clock_.Set(kNow + kMicrosPerHour);
    EXPECT_TRUE(ring->Opens(secret, Scope::kRead));
    EXPECT_THAT(ring->Refresh(), IsOk());
  }
  EXPECT_EQ(ListKeys(*store_, kNow).value()[0].used_at, kNow + kMicrosPerHour);
}

TEST_F(AccessTest, FollowsWhatOthersWrite) {
  const auto ring = Ring();
  ring->Follow(5 * kMicrosPerMilli);
  const std::string secret = Add("backend", Scope::kRead);
  const Micros begin = MonotonicMicros();
  while (!ring->Opens(secret, Scope::kRead) && MonotonicMicros() - begin < kMicrosPerMinute) {
  }
  EXPECT_TRUE(ring->Opens(secret, Scope::kRead));
}

TEST_F(AccessTest, RefusesWhatIsNoName) {
  const std::string name = "backend";
  Add(name, Scope::kRead);
  EXPECT_EQ(AddKey(*store_, {name, Scope::kWrite, 0}, kNow).error().kind(), ErrorKind::kAlreadyExists);
  for (const std::string bad : {"", "Backend", "1st", "a b", "a'b", std::string(65, 'a').c_str()})
    EXPECT_THAT(AddKey(*store_, {bad, Scope::kRead, 0}, kNow).error().message(), HasSubstr("small letters"));
  EXPECT_THAT(AddKey(*store_, {"late", Scope::kRead, kNow}, kNow).error().message(), HasSubstr("in the past"));
}

}  // namespace
}  // namespace feedmill::access
