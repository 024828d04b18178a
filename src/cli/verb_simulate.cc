#include "cli/verb_simulate.h"

#include <memory>

#include <CLI/CLI.hpp>

#include "base/progress.h"
#include "base/time_text.h"
#include "cli/connection.h"
#include "io/file_system.h"
#include "simulate/history.h"
#include "simulate/live.h"

namespace feedmill::cli {
namespace {

using namespace feedmill::simulate;

struct SimulateArguments {
  Connection connection;
  std::string world_file;
  std::string start = "2026-01-05";
  size_t batch_events = 1000;
  std::string out;  // history goes into this file instead of to a server
  LiveOptions live;
};

constexpr uint64_t kProgressSteps = 1000;

Result<std::unique_ptr<World>> MakeWorld(const SimulateArguments& arguments) {
  FEEDMILL_ASSIGN(WorldOptions options, LoadWorldOptions(arguments.world_file));
  FEEDMILL_ASSIGN(const Micros start, ParseTime(arguments.start + "T00:00:00Z"));
  return std::make_unique<World>(options, start);
}

Result<std::unique_ptr<AppClient>> ConnectApp(SimulateArguments* arguments) {
  FEEDMILL_TRY(FillKeys(&arguments->connection, KeyKind::kImport));
  AppClientOptions options;
  options.url = arguments->connection.url;
  options.write_key = arguments->connection.write_key;
  options.read_key = arguments->connection.read_key;
  options.admin_token = arguments->connection.admin_token;
  return AppClient::Connect(options);
}

Status PrintHistory(const World& world, const HistoryFigures& figures, Micros begin) {
  const double seconds = static_cast<double>(MonotonicMicros() - begin) / kMicrosPerSecond;
  PrintResult(
      fmt::format(R"({{"phase":"history","events":{},"impressions":{},"clicks":{},"seconds":{:.1f},"until":"{}"}})",
                  figures.events, figures.impressions, figures.clicks, seconds, FormatTime(world.live_start())));
  return Ok();
}

// JSON lines, as `feedmill import` reads them.
Status WriteHistory(const SimulateArguments& arguments) {
  if (arguments.out == arguments.world_file)
    return InvalidArgument("--out: found {}, allowed: another file than --world", arguments.out);
  FEEDMILL_ASSIGN(const auto world, MakeWorld(arguments));
  FEEDMILL_ASSIGN(const auto file, io::PosixFileSystem().CreateTruncated(arguments.out));
  SeenPosts seen(world->user_count());
  Progress progress("history", kProgressSteps, "");
  const Micros begin = MonotonicMicros();
  const auto sink = [&](Batch& batch, double done) -> Status {
    progress.Set(static_cast<uint64_t>(done * kProgressSteps));
    return file->Append(batch.TakeLines());
  };
  FEEDMILL_ASSIGN(const HistoryFigures figures, LiveThroughHistory(world.get(), &seen, arguments.batch_events, sink));
  FEEDMILL_TRY(file->Close());
  progress.Finish();
  return PrintHistory(*world, figures, begin);
}

// The clock of a driven server must stand behind the history, or its events would be cut to "now".
Status RunHistory(SimulateArguments* arguments) {
  FEEDMILL_ASSIGN(const auto world, MakeWorld(*arguments));
  FEEDMILL_ASSIGN(const auto client, ConnectApp(arguments));
  if (arguments->live.drive_clock) FEEDMILL_TRY(client->SetClock(world->live_start()));
  SeenPosts seen(world->user_count());
  Progress progress("history", kProgressSteps, "");
  const Micros begin = MonotonicMicros();
  const auto sink = [&](Batch& batch, double done) -> Status {
    FEEDMILL_TRY(client->Send(batch.Take()));
    progress.Set(static_cast<uint64_t>(done * kProgressSteps));
    return Ok();
  };
  FEEDMILL_ASSIGN(const HistoryFigures figures, LiveThroughHistory(world.get(), &seen, arguments->batch_events, sink));
  progress.Finish();
  return PrintHistory(*world, figures, begin);
}

Status RunLive(SimulateArguments* arguments) {
  FEEDMILL_ASSIGN(const auto world, MakeWorld(*arguments));
  FEEDMILL_ASSIGN(const auto client, ConnectApp(arguments));
  SeenPosts seen(world->user_count());
  const auto forget = [](Batch& batch, double) -> Status {
    batch.Take();
    return Ok();
  };
  FEEDMILL_TRY(LiveThroughHistory(world.get(), &seen, arguments->batch_events, forget));
  Progress progress("live: " + arguments->live.scene, kProgressSteps, "");
  const auto on_progress = [&](double done) { progress.Set(static_cast<uint64_t>(done * kProgressSteps)); };
  FEEDMILL_ASSIGN(const Tally tally, LiveWithFeeds(world.get(), &seen, client.get(), arguments->live, on_progress));
  progress.Finish();
  PrintResult(tally.ToJson(world->options().behaviours));
  return Ok();
}

void AddCommonOptions(CLI::App& verb, SimulateArguments* arguments) {
  AddConnectionOptions(verb, &arguments->connection);
  verb.add_option("--world", arguments->world_file,
                  "parameters of the world (examples/worlds/social.toml); built-in defaults when absent");
  verb.add_option("--start", arguments->start, "first day of history, YYYY-MM-DD")->capture_default_str();
  verb.add_flag("!--system-clock", arguments->live.drive_clock,
                "leave the server's clock alone (default: drive it; needs clock.source = \"driven\")");
}

}  // namespace

void AddSimulateVerb(CLI::App& app) {
  auto arguments = std::make_shared<SimulateArguments>();
  CLI::App* verb = app.add_subcommand("simulate", "live as a synthetic app against a server");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n  feedmill simulate history --world examples/worlds/social.toml\n  feedmill simulate live --scene "
      "home");

  CLI::App* history = verb->add_subcommand("history", "send days of history in bulk through /v1/batch");
  AddCommonOptions(*history, arguments.get());
  history->add_option("--batch", arguments->batch_events, "events a request")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  history->add_option("--out", arguments->out, "write JSON lines to this file instead of sending them");
  history->callback(
      [arguments] { Finish(arguments->out.empty() ? RunHistory(arguments.get()) : WriteHistory(*arguments)); });

  CLI::App* live =
      verb->add_subcommand("live", "ask for feeds and answer them; prints click rate, follow rate and regret");
  AddCommonOptions(*live, arguments.get());
  live->add_option("--scene", arguments->live.scene, "scene to ask for: home, trending, following, random")
      ->capture_default_str();
  live->add_option("--feeds", arguments->live.feeds_max, "stop after so many feeds (0 = when the live phase ends)")
      ->capture_default_str();
  live->callback([arguments] { Finish(RunLive(arguments.get())); });
}

}  // namespace feedmill::cli
