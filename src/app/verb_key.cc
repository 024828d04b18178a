#include "app/verb_key.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "access/keys.h"
#include "app/data_folder.h"
#include "app/project.h"
#include "app/project_keys.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/time_text.h"
#include "base/units.h"
#include "cli/command_line.h"
#include "cli/running_server.h"

namespace feedmill::app {
namespace {

constexpr size_t kShownLetters = 4;  // of a key in the list
constexpr auto kServerLooksWithin = std::chrono::milliseconds(1200);
constexpr Micros kEndMax = 3650 * kMicrosPerDay;

struct KeyArguments {
  std::string project = ".";
  std::string name;
  access::Scope scope = access::Scope::kWrite;
  std::string expires;
  std::string keep = "0s";
};

const FileKeyName* OfFile(std::string_view name) {
  const auto found = std::ranges::find(kFileKeys, name, &FileKeyName::name);
  return found == std::end(kFileKeys) ? nullptr : found;
}

Result<cli::Keys> ReadFile(const KeyArguments& arguments) {
  auto keys = cli::ReadKeys(cli::DataFolderOf(arguments.project));
  if (!keys && keys.error().kind() == ErrorKind::kNotFound) {
    return NotFound("{} has no keys yet; they are made by the first `feedmill up --project {}`", arguments.project,
                    arguments.project);
  }
  return keys;
}

Result<DataFolder> Open(const KeyArguments& arguments, const Clock& clock) {
  FEEDMILL_TRY(ReadFile(arguments));
  FEEDMILL_ASSIGN(const Config config, LoadConfig(arguments.project, {}));
  log::Configure(log::Level::kWarn, config.logging.format);
  return OpenDataFolder(config.paths, clock);
}

Result<Micros> Within(std::string_view option, const std::string& text) {
  const auto duration = ParseDuration(text);
  if (duration && *duration >= 0 && *duration <= kEndMax) return duration;
  return InvalidArgument("{}: found \"{}\", allowed: a duration like 90d or 12h, ten years at most", option, text);
}

std::string UsedText(const access::KeyRow& key, Micros now) {
  std::string text = key.used_at == 0 ? "never used" : "used " + FormatTime(key.used_at);
  if (key.EndedBy(now)) return text + ", ended " + FormatTime(key.ends_at);
  return key.ends_at == 0 ? text : text + ", ends " + FormatTime(key.ends_at);
}

Status List(const KeyArguments& arguments) {
  const SystemClock clock;
  FEEDMILL_ASSIGN(const cli::Keys keys, ReadFile(arguments));
  FEEDMILL_ASSIGN(const DataFolder folder, Open(arguments, clock));
  FEEDMILL_ASSIGN(const auto rows, access::ListKeys(*folder.store, clock.Now()));
  size_t width = 8;
  for (const access::KeyRow& row : rows) width = std::max(width, row.name.size() + 2);
  for (const FileKeyName& key : kFileKeys) {
    const std::string& value = keys.*key.value;
    fmt::print("{:<{}}{:<8}{}…  {}\n", key.name, width, key.name, value.substr(0, kShownLetters), key.meaning);
  }
  for (const access::KeyRow& row : rows) {
    const auto former = std::ranges::find(kFileKeys, row.name, &FileKeyName::principal);
    const std::string name(former == std::end(kFileKeys) ? row.name : former->name);
    fmt::print("{:<{}}{:<8}{}…  {}\n", name, width, access::ScopeName(row.scope), row.shown,
               (former == std::end(kFileKeys) ? "" : "a former one, ") + UsedText(row, clock.Now()));
  }
  return Ok();
}

Status Show(const KeyArguments& arguments) {
  FEEDMILL_ASSIGN(const cli::Keys keys, ReadFile(arguments));
  cli::PrintResult(keys.*OfFile(arguments.name)->value);
  return Ok();
}

// What a running server does not know yet when it is printed is refused to whoever uses it at once.
void WaitForServer(const KeyArguments& arguments) {
  if (cli::FindRunningServer(cli::DataFolderOf(arguments.project))) std::this_thread::sleep_for(kServerLooksWithin);
}

Status Add(const KeyArguments& arguments) {
  const SystemClock clock;
  const bool taken = std::ranges::any_of(
      kFileKeys, [&](const FileKeyName& key) { return key.name == arguments.name || key.principal == arguments.name; });
  if (taken) return AlreadyExists("\"{}\" is a name of the keys in secrets/keys.toml; take another", arguments.name);
  FEEDMILL_ASSIGN(const DataFolder folder, Open(arguments, clock));
  access::NewKey key{arguments.name, arguments.scope};
  if (!arguments.expires.empty()) {
    FEEDMILL_ASSIGN(const Micros life, Within("--expires", arguments.expires));
    key.ends_at = clock.Now() + life;
  }
  FEEDMILL_ASSIGN(const std::string secret, access::AddKey(*folder.store, key, clock.Now()));
  fmt::print(stderr, "The key of \"{}\" is below; it is shown this once. A running server knows it within a second.\n",
             arguments.name);
  cli::PrintResult(secret);
  return Ok();
}

Status Revoke(const KeyArguments& arguments) {
  const SystemClock clock;
  const FileKeyName* of_file = OfFile(arguments.name);
  FEEDMILL_ASSIGN(const DataFolder folder, Open(arguments, clock));
  const std::string name(of_file == nullptr ? std::string_view(arguments.name) : of_file->principal);
  const Status revoked = access::RevokeKeys(*folder.store, name, clock.Now());
  if (!revoked && of_file != nullptr && revoked.error().kind() == ErrorKind::kNotFound) {
    return InvalidArgument(
        "\"{}\" stands in secrets/keys.toml and is always there; `feedmill key rotate {}` makes another one in its "
        "place",
        arguments.name, arguments.name);
  }
  FEEDMILL_TRY(revoked);
  WaitForServer(arguments);
  fmt::print("{}: revoked{}; a running server refuses it\n", arguments.name,
             of_file == nullptr ? "" : ", but for the one in secrets/keys.toml");
  return Ok();
}

// Within a transaction of the store, which several that rotate at once stand in line at. The former key is kept before
// the new one is there: at no moment is neither known.
Result<std::string> RotateFileKey(const KeyArguments& arguments, const FileKeyName& name, meta::Store& store,
                                  Micros keep, Micros now) {
  std::string secret = NewSecret();
  FEEDMILL_TRY(store.Write([&](meta::Transaction& transaction) -> Status {
    FEEDMILL_ASSIGN(cli::Keys keys, ReadFile(arguments));
    const access::NewKey kept{std::string(name.principal), name.scope, now + keep};
    FEEDMILL_TRY(access::KeepKey(transaction, keys.*name.value, kept, now));
    keys.*name.value = secret;
    return WriteKeys(cli::DataFolderOf(arguments.project), keys);
  }));
  return secret;
}

Status Rotate(const KeyArguments& arguments) {
  const SystemClock clock;
  FEEDMILL_ASSIGN(const Micros keep, Within("--keep", arguments.keep));
  FEEDMILL_ASSIGN(const DataFolder folder, Open(arguments, clock));
  const FileKeyName* of_file = OfFile(arguments.name);
  FEEDMILL_ASSIGN(const std::string secret,
                  of_file != nullptr
                      ? RotateFileKey(arguments, *of_file, *folder.store, keep, clock.Now())
                      : access::RotateKey(*folder.store, arguments.name, clock.Now() + keep, clock.Now()));
  WaitForServer(arguments);
  fmt::print(stderr, "The new key of \"{}\" is below. A running server knows it, and refuses the former one {}.\n",
             arguments.name, keep == 0 ? "from now on" : "in " + FormatDuration(keep));
  cli::PrintResult(secret);
  return Ok();
}

void AddAddVerb(CLI::App& verb, const std::shared_ptr<KeyArguments>& arguments) {
  CLI::App* add = verb.add_subcommand("add", "make a key for one more sender or reader; it is printed this once");
  add->add_option("name", arguments->name, "whose it is: events land with it as their write_source")->required();
  std::map<std::string, access::Scope> scopes;
  for (const FileKeyName& key : kFileKeys) scopes[std::string(key.name)] = key.scope;
  cli::AddChoice(add, "--for", &arguments->scope, scopes, "what it opens")->required();
  add->add_option("--expires", arguments->expires, "after which it ends, like 90d (default: never)");
  add->callback([arguments] { cli::Finish(Add(*arguments)); });
}

}  // namespace

void AddKeyVerb(CLI::App& app) {
  auto arguments = std::make_shared<KeyArguments>();
  CLI::App* verb = app.add_subcommand("key", "the keys of a project: list them, add, rotate and revoke some");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n  feedmill key list --project myapp\n  curl -u $(feedmill key show write): ...\n"
      "  feedmill key add phone-app --for write --expires 365d\n  feedmill key rotate phone-app --keep 24h\n"
      "  feedmill key revoke phone-app");
  CLI::App* list =
      verb->add_subcommand("list", "which keys there are, the first letters of each, and when it was used");
  list->callback([arguments] { cli::Finish(List(*arguments)); });
  CLI::App* show = verb->add_subcommand("show", "print one key of secrets/keys.toml and nothing else");
  std::map<std::string, std::string> names;
  for (const FileKeyName& key : kFileKeys) names[std::string(key.name)] = key.name;
  cli::AddChoice(show, "name", &arguments->name, names, "which")->required();
  show->callback([arguments] { cli::Finish(Show(*arguments)); });
  AddAddVerb(*verb, arguments);
  CLI::App* rotate = verb->add_subcommand("rotate", "make a new key under a name that has one");
  rotate->add_option("name", arguments->name, "of `feedmill key list`")->required();
  rotate->add_option("--keep", arguments->keep, "how long the former one is good beside it, like 24h")
      ->capture_default_str();
  rotate->callback([arguments] { cli::Finish(Rotate(*arguments)); });
  CLI::App* revoke = verb->add_subcommand("revoke", "end all keys of a name that was added");
  revoke->add_option("name", arguments->name, "of `feedmill key list`")->required();
  revoke->callback([arguments] { cli::Finish(Revoke(*arguments)); });
  for (CLI::App* one : verb->get_subcommands({}))
    one->add_option("--project", arguments->project, "project folder")->capture_default_str();
}

}  // namespace feedmill::app
