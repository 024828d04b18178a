#include "ingest/body_reader_internal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/starvation_for_test.h"
#include "io/file_system.h"

namespace feedmill::ingest {
namespace {

// What a body gets when the parser has no memory for it: 503 and not the client's fault.
TEST(BodyReaderTest, WithoutMemoryTheBodyIsNotBlamed) {
  const auto plan = *TrackingPlan::Load(io::PosixFileSystem(), FEEDMILL_SOURCE_DIR "/template/events");
  const auto keys = *WriteKeys::Make({{"app", "app-key", 1 << 20, 1 << 30}});
  std::string body = R"({"batch":[{"type":"track","event":"app_open","userId":"u","properties":{"device":")";
  body.reserve(4 << 20);  // the reader pads it in place
  body += std::string(3 << 20, 'a') + R"("}}]})";
  MessageIdMaker ids;
  const BodyRequest request{&body, "", keys.Find("app-key"), "", "", 1};
  std::expected<Body, BodyRefusal> read;
  {
    const Starvation starved(1 << 20);
    read = ReadBody(request, *plan, keys, {}, ids);
  }
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().status, 503);
  EXPECT_EQ(read.error().rejection.rule, "out_of_memory");
  EXPECT_TRUE(ReadBody(request, *plan, keys, {}, ids)) << "with memory it is read";
}

}  // namespace
}  // namespace feedmill::ingest
