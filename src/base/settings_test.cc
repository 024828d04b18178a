#include "base/settings.h"

#include <gtest/gtest.h>

#include "base/matchers.h"

namespace feedmill {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Mode { kFast, kSafe };

struct Options {
  std::string address = "127.0.0.1";
  uint16_t port = 8080;
  Micros idle = 60 * kMicrosPerSecond;
  size_t body = 5 << 20;
  Mode mode = Mode::kSafe;
  double ratio = 0.5;
  bool open = false;
  std::vector<std::string> roles = {"collect"};
  ConfigNode keys;
};

void Bind(Settings* settings, Options* options) {
  auto http = settings->Section("http", "The one HTTP server.");
  http.Text("address", &options->address, "address to bind");
  http.Integer("port", &options->port, {}, "TCP port; 0 = any free one");
  http.Duration("idle_timeout", &options->idle, {kMicrosPerSecond, kMicrosPerHour}, "closes silent connections");
  http.ByteSize("body_max", &options->body, {1024, 1 << 30}, "largest request body");
  http.Enum("mode", &options->mode, {{"fast", Mode::kFast}, {"safe", Mode::kSafe}}, "how careful");
  auto top = settings->Section("");
  top.Real("ratio", &options->ratio, {0, 1}, "a share");
  top.Boolean("open", &options->open, "lets everybody in");
  top.TextList("roles", &options->roles, "what to start");
  settings->Section("http").Tree("keys", &options->keys, "who may write");
}

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() { Bind(&settings_, &options_); }
  Status Load(std::string_view toml) {
    FEEDMILL_ASSIGN(ConfigDocument document, ParseToml("feedmill.toml", toml));
    return settings_.Load(document);
  }
  Options options_;
  Settings settings_;
};

TEST_F(SettingsTest, ReadsEveryKind) {
  ASSERT_THAT(Load(R"(ratio = 1
open = true
roles = ["serve", "log"]
[http]
address = "0.0.0.0"
port = 81
idle_timeout = "2m"
body_max = "64KiB"
mode = "fast"
keys = {app = "abc"}
)"),
              IsOk());
  EXPECT_EQ(options_.address, "0.0.0.0");
  EXPECT_EQ(options_.port, 81);
  EXPECT_EQ(options_.idle, 2 * kMicrosPerMinute);
  EXPECT_EQ(options_.body, 65536u);
  EXPECT_EQ(options_.mode, Mode::kFast);
  EXPECT_EQ(options_.ratio, 1);
  EXPECT_TRUE(options_.open);
  EXPECT_THAT(options_.roles, ElementsAre("serve", "log"));
  EXPECT_EQ(options_.keys.Find("app")->text, "abc");
}

TEST_F(SettingsTest, WhatIsNotGivenKeepsItsDefault) {
  ASSERT_THAT(Load("[http]\nport = 1\n"), IsOk());
  EXPECT_EQ(options_.mode, Mode::kSafe);
  EXPECT_EQ(options_.body, 5u << 20);
}

TEST_F(SettingsTest, ReportsAllErrorsWithPlaceFoundAndAllowed) {
  Status loaded = Load(R"(ratio = 1.5
open = "yes"
[http]
adress = "0.0.0.0"
port = 70000
idle_timeout = 60
body_max = "1B"
mode = "quick"
[htp]
x = 1
)");
  EXPECT_THAT(loaded, IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(
      settings_.errors(),
      ElementsAre("feedmill.toml:1: ratio: found number 1.5, allowed number 0..1",
                  "feedmill.toml:2: open: found text \"yes\", allowed true or false",
                  "feedmill.toml:4: http.adress: found an unknown setting, did you mean 'http.address'?",
                  "feedmill.toml:5: http.port: found integer 70000, allowed integer 0..65535",
                  "feedmill.toml:6: http.idle_timeout: found integer 60, allowed duration 1s..1h",
                  "feedmill.toml:7: http.body_max: found text \"1B\", allowed byte size 1KiB..1GiB",
                  "feedmill.toml:8: http.mode: found text \"quick\", allowed one of \"fast\" \"safe\"",
                  "feedmill.toml:9: htp: found an unknown setting; 'feedmill config explain' lists the allowed ones"));
}

TEST_F(SettingsTest, OverridesWinAndNameTheirOrigin) {
  settings_.Override("http.port", "99", "--port");
  settings_.Override("http.address", "10.0.0.1", "FEEDMILL_HTTP_ADDRESS");
  ASSERT_THAT(Load("[http]\nport = 1\n"), IsOk());
  EXPECT_EQ(options_.port, 99);
  EXPECT_EQ(options_.address, "10.0.0.1");
  EXPECT_THAT(settings_.Explain(), HasSubstr("from: --port"));
}

TEST_F(SettingsTest, BadOverridesAreErrors) {
  settings_.Override("http.port", "many", "--port");
  settings_.Override("http.prt", "1", "--prt");
  EXPECT_THAT(settings_.LoadWithoutFile(), IsError(ErrorKind::kInvalidArgument));
  EXPECT_THAT(settings_.errors(), ElementsAre("--port: http.port: found \"many\", allowed integer 0..65535",
                                              "--prt: http.prt: found an unknown setting, did you mean 'http.port'?"));
}

TEST_F(SettingsTest, ExplainIsTomlThatLoadsAgain) {
  ASSERT_THAT(Load("[http]\nport = 81\n"), IsOk());
  std::string text = settings_.Explain();
  EXPECT_THAT(text, HasSubstr("# The one HTTP server.\n[http]\n"));
  EXPECT_THAT(text, HasSubstr("# TCP port; 0 = any free one\n# allowed: integer 0..65535; default: 8080; from: "
                              "feedmill.toml:2\nport = 81\n"));
  Options again;
  Settings settings;
  Bind(&settings, &again);
  auto document = ParseToml("explained", text);
  ASSERT_THAT(document, IsOk()) << text;
  ASSERT_THAT(settings.Load(*document), IsOk());
  EXPECT_EQ(again.port, 81);
  EXPECT_EQ(again.idle, options_.idle);
}

TEST_F(SettingsTest, APartOfAFileIsReadFromItsTable) {
  auto document = ParseToml("features.toml", "[[counter]]\nname = 'a'\n[[counter]]\nname = 5\n");
  ASSERT_THAT(document, IsOk());
  std::string name;
  Settings counter;
  counter.Section("").Text("name", &name, "its name");
  const ConfigNode& rows = *document->root.Find("counter");
  EXPECT_THAT(counter.Load(*document, rows.items[0]), IsOk());
  EXPECT_EQ(name, "a");
  EXPECT_THAT(counter.Load(*document, rows.items[1]),
              IsError(ErrorKind::kInvalidArgument, HasSubstr("features.toml:4: name: found integer 5, allowed text")));
}

}  // namespace
}  // namespace feedmill
