#include "app/verb_key.h"

#include <array>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>

#include "app/project.h"
#include "base/secret.h"
#include "cli/command_line.h"
#include "cli/running_server.h"

namespace feedmill::app {
namespace {

struct KeyName {
  const char* name;
  std::string cli::Keys::* value;
  const char* meaning;
};
constexpr std::array<KeyName, 4> kNames = {{{"write", &cli::Keys::write, "events of the app; may stand in browsers"},
                                            {"import", &cli::Keys::import, "bulk import: larger batches"},
                                            {"read", &cli::Keys::read, "feeds; of the app's own servers"},
                                            {"admin", &cli::Keys::admin, "console and administration"}}};
constexpr size_t kShownLetters = 4;  // of a key in the list

struct KeyArguments {
  std::string project = ".";
  const KeyName* key = nullptr;
};

Result<cli::Keys> Read(const KeyArguments& arguments) {
  auto keys = cli::ReadKeys(cli::DataFolderOf(arguments.project));
  if (!keys && keys.error().kind() == ErrorKind::kNotFound) {
    return NotFound("{} has no keys yet; they are made by the first `feedmill up --project {}`", arguments.project,
                    arguments.project);
  }
  return keys;
}

Status List(const KeyArguments& arguments) {
  FEEDMILL_ASSIGN(const cli::Keys keys, Read(arguments));
  for (const KeyName& key : kNames) {
    const std::string& value = keys.*key.value;
    fmt::print("{:<8}{}…{:<6}{}\n", key.name, value.substr(0, kShownLetters), "", key.meaning);
  }
  return Ok();
}

Status Show(const KeyArguments& arguments) {
  FEEDMILL_ASSIGN(const cli::Keys keys, Read(arguments));
  cli::PrintResult(keys.*arguments.key->value);
  return Ok();
}

Status Rotate(const KeyArguments& arguments) {
  FEEDMILL_ASSIGN(cli::Keys keys, Read(arguments));
  keys.*arguments.key->value = NewSecret();
  FEEDMILL_TRY(WriteKeys(cli::DataFolderOf(arguments.project), keys));
  fmt::print(stderr,
             "The new {} key is below. A running server takes it at its next start, and refuses the former one from "
             "then on.\n",
             arguments.key->name);
  return Show(arguments);
}

}  // namespace

void AddKeyVerb(CLI::App& app) {
  auto arguments = std::make_shared<KeyArguments>();
  CLI::App* verb = app.add_subcommand("key", "the keys of a project: list them, print one, make a new one");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n  feedmill key list --project myapp\n  curl -u $(feedmill key show write): ...\n"
      "  feedmill key rotate write");
  std::map<std::string, const KeyName*> names;
  for (const KeyName& key : kNames) names[key.name] = &key;
  CLI::App* list = verb->add_subcommand("list", "which keys there are, the first letters of each");
  list->callback([arguments] { cli::Finish(List(*arguments)); });
  CLI::App* show = verb->add_subcommand("show", "print one key and nothing else");
  show->callback([arguments] { cli::Finish(Show(*arguments)); });
  CLI::App* rotate = verb->add_subcommand("rotate", "make a new key in the place of one that got out");
  rotate->callback([arguments] { cli::Finish(Rotate(*arguments)); });
  for (CLI::App* one : {show, rotate}) cli::AddChoice(one, "name", &arguments->key, names, "which")->required();
  for (CLI::App* one : {list, show, rotate})
    one->add_option("--project", arguments->project, "project folder")->capture_default_str();
}

}  // namespace feedmill::app
