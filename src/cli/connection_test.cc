#include "cli/connection.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/running_server.h"
#include "cli/verb.h"

namespace feedmill::cli {
namespace {

class ConnectionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"FEEDMILL_WRITE_KEY", "FEEDMILL_READ_KEY", "FEEDMILL_ADMIN_TOKEN"}) ::unsetenv(name);
    project_ = std::filesystem::temp_directory_path() / ("feedmill-connection-" + std::to_string(::getpid()));
    std::filesystem::create_directories(project_ / "data/secrets");
    std::ofstream(project_ / "data/secrets/keys.toml")
        << "[keys]\nwrite = \"wwwwwwwwwwwwwwww\"\nimport = \"iiiiiiiiiiiiiiii\"\nread = \"rrrrrrrrrrrrrrrr\"\nadmin = "
           "\"aaaaaaaaaaaaaaaa\"\n";
  }
  void TearDown() override { std::filesystem::remove_all(project_); }

  std::filesystem::path project_;
};

TEST_F(ConnectionTest, TakesKeysFromTheProject) {
  Connection connection;
  connection.project = project_.string();
  ASSERT_TRUE(FillKeys(&connection).has_value());
  EXPECT_EQ(connection.write_key, "wwwwwwwwwwwwwwww");
  EXPECT_EQ(connection.read_key, "rrrrrrrrrrrrrrrr");
  EXPECT_EQ(connection.admin_token, "aaaaaaaaaaaaaaaa");
  Connection import;
  import.project = project_.string();
  ASSERT_TRUE(FillKeys(&import, KeyKind::kImport).has_value());
  EXPECT_EQ(import.write_key, "iiiiiiiiiiiiiiii");
}

TEST_F(ConnectionTest, FindsTheServerThatRuns) {
  const std::string data = (project_ / "data").string();
  Connection nobody;
  nobody.project = project_.string();
  ASSERT_TRUE(FillKeys(&nobody).has_value());
  EXPECT_EQ(nobody.url, "http://127.0.0.1:8080");
  ASSERT_TRUE(AnnounceServer(data, "http://127.0.0.1:4711", 5).has_value());
  Connection found;
  found.project = project_.string();
  ASSERT_TRUE(FillKeys(&found).has_value());
  EXPECT_EQ(found.url, "http://127.0.0.1:4711");
  EXPECT_EQ(FindRunningServer(data)->pid, ::getpid());
  EXPECT_FALSE(ServerWasKilled(data));
  Connection named;
  named.project = project_.string();
  named.url = "http://127.0.0.1:1";
  ASSERT_TRUE(FillKeys(&named).has_value());
  EXPECT_EQ(named.url, "http://127.0.0.1:1");
  std::filesystem::copy(data, project_ / "copy", std::filesystem::copy_options::recursive);
  EXPECT_FALSE(FindRunningServer((project_ / "copy").string())) << "the server does not work in a copy of its folder";
  WithdrawServer(data);
  EXPECT_FALSE(FindRunningServer(data));
  EXPECT_FALSE(ServerWasKilled(data)) << "it said good-bye";
}

TEST_F(ConnectionTest, AFileThatADeadServerLeftIsNotBelieved) {
  const std::string data = (project_ / "data").string();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(AnnounceServer(data, "http://127.0.0.1:4711", 5) ? 0 : 1);
  int status = 1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  EXPECT_FALSE(FindRunningServer(data));
  EXPECT_TRUE(ServerWasKilled(data));
  // Another process that has got the number meanwhile.
  std::ofstream(data + "/server.json") << fmt::format(R"({{"url":"http://127.0.0.1:4711","pid":{},"start_ticks":"1"}})",
                                                      ::getpid());
  EXPECT_FALSE(FindRunningServer(data));
}

TEST_F(ConnectionTest, FollowsTheDataFolderOfTheSettings) {
  const auto elsewhere = project_ / "elsewhere";
  std::filesystem::create_directories(elsewhere);
  std::filesystem::rename(project_ / "data/secrets", elsewhere / "secrets");
  std::ofstream(project_ / "feedmill.toml") << "[data]\nfolder = \"" << elsewhere.string() << "\"\n";
  Connection connection;
  connection.project = project_.string();
  ASSERT_TRUE(FillKeys(&connection).has_value());
  EXPECT_EQ(connection.write_key, "wwwwwwwwwwwwwwww");
}

TEST_F(ConnectionTest, TheEnvironmentComesFirst) {
  ::setenv("FEEDMILL_WRITE_KEY", "from-environment", 1);
  Connection connection;
  connection.project = project_.string();
  ASSERT_TRUE(FillKeys(&connection).has_value());
  EXPECT_EQ(connection.write_key, "from-environment");
  EXPECT_EQ(connection.read_key, "rrrrrrrrrrrrrrrr");
}

TEST_F(ConnectionTest, WithoutKeysItSaysWhereTheyMayComeFrom) {
  Connection connection;
  connection.project = (project_ / "elsewhere").string();
  const Status filled = FillKeys(&connection);
  ASSERT_FALSE(filled.has_value());
  EXPECT_EQ(filled.error().kind(), ErrorKind::kNotFound);
  EXPECT_NE(filled.error().message().find("FEEDMILL_WRITE_KEY"), std::string::npos);
}

TEST(Verb, AFailureIsTheExitCode) {
  EXPECT_EQ(ExitCode(), 0);
  Finish(Ok());
  EXPECT_EQ(ExitCode(), 0);
  Finish(InvalidArgument("expected by this test"));
  EXPECT_EQ(ExitCode(), kExitFailed);
}

TEST_F(ConnectionTest, RefusesKeysThatCouldOpenSomethingElse) {
  const auto refusal = [&](const std::string& text) {
    std::ofstream(project_ / "data/secrets/keys.toml") << text;
    const auto keys = ReadKeys((project_ / "data").string());
    return keys ? "taken" : keys.error().message();
  };
  const std::string four =
      "[keys]\nwrite = \"0123456789abcdef\"\nimport = \"1123456789abcdef\"\nread = \"2123456789abcdef\"\n";
  EXPECT_EQ(refusal(four + "admin = \"3123456789abcdef\"\n"), "taken");
  EXPECT_THAT(refusal(""), testing::HasSubstr("keys.write: found 0 letters, allowed: 16 or more"));
  EXPECT_THAT(refusal(four + "admin = \"312345678abcdef\"\n"), testing::HasSubstr("keys.admin: found 15 letters"));
  EXPECT_THAT(refusal(four + "admin = \"2123456789abcdef\"\n"),
              testing::HasSubstr("keys.read and keys.admin are the same"));
}

}  // namespace
}  // namespace feedmill::cli
