#include "cli/verb_completion.h"

#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace feedmill::cli {
namespace {

// Words that may follow each chain of verbs: "" -> verbs of feedmill, "simulate" -> "history live --help ...".
using Words = std::map<std::string, std::string>;

void Collect(const CLI::App& app, const std::string& chain, Words* words) {
  std::string& line = (*words)[chain];
  for (const CLI::App* sub : app.get_subcommands({})) {
    if (sub->get_group().empty()) continue;  // internal verbs
    line += sub->get_name() + " ";
    Collect(*sub, chain.empty() ? sub->get_name() : chain + " " + sub->get_name(), words);
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) (*words)[chain] += "--" + name + " ";
  }
}

std::string Bash(const Words& words) {
  std::string cases;
  for (const auto& [chain, line] : words) cases += fmt::format("    '{}') words='{}' ;;\n", chain, line);
  return "_feedmill() {\n"
         "  local chain='' word words=''\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$word\" in -*) ;; *) chain=\"${chain:+$chain }$word\" ;; esac\n"
         "  done\n"
         "  case \"$chain\" in\n" +
         cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -F _feedmill feedmill\n";
}

std::string Zsh(const Words& words) { return "autoload -U +X bashcompinit && bashcompinit\n" + Bash(words); }

std::string Fish(const CLI::App& app) {
  std::string out = "complete -c feedmill -f\n";
  for (const CLI::App* verb : app.get_subcommands({})) {
    if (verb->get_group().empty()) continue;
    out += fmt::format("complete -c feedmill -n __fish_use_subcommand -a {} -d '{}'\n", verb->get_name(),
                       verb->get_description());
    for (const CLI::Option* option : verb->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        out += fmt::format("complete -c feedmill -n '__fish_seen_subcommand_from {}' -l {}\n", verb->get_name(), name);
      }
    }
  }
  return out;
}

}  // namespace

void AddCompletionVerb(CLI::App& app) {
  auto shell = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("completion", "print a completion script for your shell");
  verb->add_option("shell", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->footer("Example:\n  source <(feedmill completion bash)");
  verb->callback([shell, root = &app] {
    Words words;
    Collect(*root, "", &words);
    const std::string script = *shell == "bash" ? Bash(words) : *shell == "zsh" ? Zsh(words) : Fish(*root);
    std::fwrite(script.data(), 1, script.size(), stdout);
  });
}

}  // namespace feedmill::cli
