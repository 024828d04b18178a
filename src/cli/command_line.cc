#include "cli/command_line.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace feedmill::cli {
namespace {

// Of letters put in, left out, changed, or swapped with their neighbour.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::vector<std::string> VerbsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!sub->get_group().empty()) names.push_back(sub->get_name());  // the others are internal
  }
  return names;
}

std::vector<std::string> OptionsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Where the words lead: the innermost verb they name, how it is called, and the first word that is none of its.
struct Place {
  const CLI::App* app;
  std::string chain;
  std::string word;
};

Place Follow(const CLI::App& root, int argc, const char* const* argv) {
  Place place{&root, "feedmill", ""};
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto named = place.app->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
    if (named.empty()) {
      if (!word.starts_with("-")) place.word = word;
      break;
    }
    place.app = named.front();
    place.chain += " " + std::string(word);
  }
  return place;
}

std::string Meant(std::string_view word, const std::vector<std::string>& known) {
  const std::string meant = DidYouMean(word, known);
  return meant.empty() ? "" : fmt::format("; did you mean `{}`?", meant);
}

// A verb is missing or unknown.
std::string VerbFault(const Place& place) {
  const std::vector<std::string> verbs = VerbsOf(*place.app);
  const std::string found = place.word.empty() ? "no verb" : fmt::format("the verb \"{}\"", place.word);
  return fmt::format("{}: found {}, allowed: {}{}", place.chain, found, fmt::join(verbs, ", "),
                     Meant(place.word, verbs));
}

std::string ExtraFault(const Place& place, const std::vector<std::string>& extra) {
  std::string text;
  for (const std::string& word : extra) {
    const bool option = word.starts_with("-");
    const std::string name = word.substr(0, word.find('='));
    text += fmt::format("{}{}: there is no {} \"{}\" here{}", text.empty() ? "" : "\n", place.chain,
                        option ? "option" : "argument", word, option ? Meant(name, OptionsOf(*place.app)) : "");
  }
  return text;
}

std::vector<std::string> Extra(const CLI::App& root) { return root.remaining(true); }

}  // namespace

std::string DidYouMean(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  size_t nearest = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const bool begins = word.size() > 1 && candidate.starts_with(word);
    const size_t distance = begins ? 1 : Distance(word, candidate);
    if (distance < nearest) {
      nearest = distance;
      best = candidate;
    }
  }
  return best;
}

int ParseCommandLine(CLI::App& app, int argc, const char* const* argv) {
  std::string fault;
  Place place{&app, "feedmill", ""};
  try {
    app.parse(argc, argv);
    return -1;
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ExtrasError&) {
    place = Follow(app, argc, argv);
    const bool unknown_verb = !VerbsOf(*place.app).empty() && !place.word.empty();
    fault = unknown_verb ? VerbFault(place) : ExtraFault(place, Extra(app));
  } catch (const CLI::RequiredError& error) {
    place = Follow(app, argc, argv);
    fault = VerbsOf(*place.app).empty() ? fmt::format("{}: {}", place.chain, error.what()) : VerbFault(place);
  } catch (const CLI::ParseError& error) {
    place = Follow(app, argc, argv);
    fault = fmt::format("{}: {}", place.chain, error.what());
  }
  fmt::print(stderr, "{}\n`{} --help` says more.\n", fault, place.chain);
  return kExitWrongUse;
}

}  // namespace feedmill::cli
