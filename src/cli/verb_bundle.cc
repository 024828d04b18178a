#include "cli/verb_bundle.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/admin_client.h"

namespace feedmill::cli {
namespace {

using Json = nlohmann::json;

struct BundleArguments {
  Connection connection;
  std::string id;
  bool force = false;
  bool json = false;
};

Result<Json> Ask(BundleArguments* arguments, std::string_view method, std::string_view name, const Json& body) {
  FEEDMILL_TRY(FillKeys(&arguments->connection));
  FEEDMILL_ASSIGN(AdminClient client, AdminClient::Make(arguments->connection));
  FEEDMILL_ASSIGN(const std::string text, client.Call(method, name, body.is_null() ? "" : body.dump()));
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Unavailable("{} answered no JSON: {}", name, text.substr(0, 200));
  return json;
}

std::string Metric(const Json& bundle, const char* name) {
  const auto metrics = bundle.find("metrics");
  if (metrics == bundle.end() || !metrics->contains(name)) return "-";
  return fmt::format("{:.4f}", (*metrics)[name].get<double>());
}

Status List(BundleArguments* arguments) {
  FEEDMILL_ASSIGN(const Json answer, Ask(arguments, "GET", "bundles", nullptr));
  if (arguments->json) {
    PrintResult(answer.dump());
    return Ok();
  }
  fmt::print("{:<18}{:<11}{:<29}{:>8}{:>9}  {}\n", "bundle", "state", "made", "auc", "ndcg@10", "note");
  for (const Json& bundle : answer.at("bundles")) {
    const std::string made = bundle.at("created_at").is_string() ? bundle.at("created_at").get<std::string>() : "";
    fmt::print("{:<18}{:<11}{:<29}{:>8}{:>9}  {}\n", bundle.value("id", ""), bundle.value("state", ""), made,
               Metric(bundle, "auc"), Metric(bundle, "ndcg10"), bundle.value("note", ""));
  }
  return Ok();
}

Status Move(BundleArguments* arguments, std::string_view name, const Json& body) {
  FEEDMILL_ASSIGN(const Json answer, Ask(arguments, "POST", name, body));
  PrintResult(answer.dump());
  if (!answer.value("promoted", false)) return Conflict("nothing changed: {}", answer.value("reason", ""));
  return Ok();
}

}  // namespace

void AddBundleVerb(CLI::App& app) {
  auto arguments = std::make_shared<BundleArguments>();
  CLI::App* verb = app.add_subcommand("bundle", "what serves: list bundles, make one live, go back");
  verb->require_subcommand(1);
  verb->footer(
      "Examples:\n  feedmill bundle list\n  feedmill bundle promote 3f9ac1d2e4b57788\n  feedmill bundle rollback");

  CLI::App* list = verb->add_subcommand("list", "all bundles, newest first");
  AddConnectionOptions(*list, &arguments->connection);
  list->add_flag("--json", arguments->json, "print JSON");
  list->callback([arguments] { Finish(List(arguments.get())); });

  CLI::App* promote =
      verb->add_subcommand("promote", "make a bundle live if it is better than the live one on the later slice");
  AddConnectionOptions(*promote, &arguments->connection);
  promote->add_option("id", arguments->id, "as in the list")->required();
  promote->add_flag("--force", arguments->force, "even when it is not better");
  promote->callback([arguments] {
    Finish(Move(arguments.get(), "bundle/promote", {{"id", arguments->id}, {"force", arguments->force}}));
  });

  CLI::App* rollback = verb->add_subcommand("rollback", "back to the bundle that was live before");
  AddConnectionOptions(*rollback, &arguments->connection);
  rollback->callback([arguments] { Finish(Move(arguments.get(), "bundle/rollback", Json::object())); });
}

}  // namespace feedmill::cli
