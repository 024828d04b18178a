#include "ingest/segment_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace feedmill::ingest {
namespace {

using testing::HasSubstr;

// A file in memory.
class TextFile final : public io::ReadableFile {
 public:
  explicit TextFile(std::string text) : text_(std::move(text)) {}
  Status ReadAt(uint64_t offset, size_t length, std::string* out) const override {
    *out = offset < text_.size() ? text_.substr(offset, length) : "";
    return Ok();
  }
  Result<uint64_t> Size() const override { return text_.size(); }

 private:
  std::string text_;
};

class SegmentTest : public testing::Test {
 protected:
  void Add(const std::vector<std::string>& payloads) {
    std::string body;
    for (const auto& payload : payloads) AppendRecordFrame(payload, &body);
    char header[kGroupHeaderBytes];
    EncodeGroupHeader({static_cast<uint32_t>(payloads.size()), static_cast<uint32_t>(body.size()), next_, 77},
                      header_.salt, text_.size(), header);
    groups_.push_back(text_.size());
    text_ += std::string(header, sizeof header) + body;
    next_ += payloads.size();
  }

  Result<SegmentScan> Scan(const std::string& text) {
    return ScanSegment(TextFile(text), "a.seg", header_, text.size());
  }

  SegmentHeader header_{3, 100, 55, 0x1234567890abcdef};
  std::string text_ = EncodeSegmentHeader(header_);
  uint64_t next_ = 100;
  std::vector<size_t> groups_;
};

TEST_F(SegmentTest, HeaderComesBack) {
  auto header = DecodeSegmentHeader(text_);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->partition, 3u);
  EXPECT_EQ(header->first_offset, 100u);
  EXPECT_EQ(header->created_at, 55);
  EXPECT_EQ(header->salt, header_.salt);
}

TEST_F(SegmentTest, EveryFlippedBitOfTheHeaderIsFound) {
  for (size_t bit = 0; bit < kSegmentHeaderBytes * 8; ++bit) {
    std::string damaged = text_;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(DecodeSegmentHeader(damaged)) << bit;
  }
}

TEST_F(SegmentTest, ScanReadsAllGroups) {
  Add({"a", "bb"});
  Add({std::string(3'000'000, 'x')});
  Add({});
  Add({"", "last"});
  auto scan = Scan(text_);
  ASSERT_TRUE(scan) << scan.error().ToString();
  EXPECT_EQ(scan->next_offset, 105u);
  EXPECT_EQ(scan->valid_bytes, text_.size());
  EXPECT_EQ(scan->last_append_time, 77);
}

TEST_F(SegmentTest, EveryCutOfTheLastGroupIsATornTail) {
  Add({"first", "second"});
  Add({"third", "fourth"});
  for (size_t size = groups_[1]; size < text_.size(); ++size) {
    auto scan = Scan(text_.substr(0, size));
    ASSERT_TRUE(scan) << size;
    EXPECT_EQ(scan->valid_bytes, groups_[1]);
    EXPECT_EQ(scan->next_offset, 102u);
  }
}

TEST_F(SegmentTest, EveryFlippedByteOfTheLastGroupIsATornTail) {
  Add({"first", "second"});
  Add({"third", "fourth"});
  for (size_t at = groups_[1]; at < text_.size(); ++at) {
    if (at >= groups_[1] + 36 && at < groups_[1] + kGroupHeaderBytes) continue;  // padding
    if (at >= groups_[1] + 12 && at < groups_[1] + 16) continue;
    std::string damaged = text_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
    auto scan = Scan(damaged);
    ASSERT_TRUE(scan) << at;
    EXPECT_EQ(scan->next_offset, 102u) << at;
  }
}

TEST_F(SegmentTest, DamageBeforeAnotherGroupIsCorruption) {
  Add({"first", "second"});
  Add({"third", "fourth"});
  Add({});
  for (size_t at = groups_[1] + kGroupHeaderBytes; at < groups_[2]; ++at) {
    std::string damaged = text_;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    auto scan = Scan(damaged);
    ASSERT_FALSE(scan) << at;
    EXPECT_EQ(scan.error().kind(), ErrorKind::kCorrupt);
    EXPECT_THAT(scan.error().message(), HasSubstr("a.seg byte "));
  }
}

TEST_F(SegmentTest, APayloadThatLooksLikeAGroupProvesNothing) {
  Add({"first"});
  char fake[kGroupHeaderBytes];
  EncodeGroupHeader({1, 4, 101, 77}, 0, text_.size() + kGroupHeaderBytes + kRecordHeaderBytes,
                    fake);  // the salt is not known
  Add({std::string(fake, sizeof fake)});
  text_[groups_[1] + 4] ^= 1;
  auto scan = Scan(text_);
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->valid_bytes, groups_[1]);
}

TEST_F(SegmentTest, GroupsOutOfOrderAreNotTaken) {
  Add({"first"});
  next_ = 105;
  Add({"fifth"});
  auto scan = Scan(text_);
  // The group is valid and says that it is durable: what should be before it is missing.
  ASSERT_FALSE(scan);
  EXPECT_THAT(scan.error().message(), HasSubstr("group begins with record 105, 101 is due"));
}

TEST(RecordTest, BadLengthsAreNamed) {
  std::string body;
  AppendRecordFrame("abc", &body);
  EXPECT_FALSE(VisitRecords(body, 2, [](std::string_view) {}));
  EXPECT_FALSE(VisitRecords(body + "x", 1, [](std::string_view) {}));
  body[0] = 100;
  auto status = VisitRecords(body, 1, [](std::string_view) {});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message(), HasSubstr("says 100 bytes, 3 are left"));
}

}  // namespace
}  // namespace feedmill::ingest
