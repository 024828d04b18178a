// Reading the command line so that a mistake is named with what was meant.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

namespace feedmill::cli {

// Wrong use: nothing was done.
inline constexpr int kExitWrongUse = 2;

// The one of `known` that `word` was probably meant to be; "" when none is near.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

// Parses and runs the verb. The exit code when there is nothing more to do (help was printed, the line is wrong, which
// is then said on standard error); -1 when a verb ran and cli::ExitCode() knows.
int ParseCommandLine(CLI::App& app, int argc, const char* const* argv);

// An option that takes one of some words, and says which when it gets another.
template <typename T>
CLI::Option* AddChoice(CLI::App* verb, const std::string& name, T* out, std::map<std::string, T> words,
                       const std::string& meaning) {
  std::vector<std::string> known;
  for (const auto& [word, value] : words) known.push_back(word);
  const auto take = [name, out, words = std::move(words), known](const std::string& word) {
    const auto found = words.find(word);
    if (found == words.end()) {
      const std::string meant = DidYouMean(word, known);
      throw CLI::ValidationError(name, fmt::format("found \"{}\", allowed: {}{}", word, fmt::join(known, ", "),
                                                   meant.empty() ? "" : fmt::format("; did you mean {}?", meant)));
    }
    *out = found->second;
  };
  return verb->add_option_function<std::string>(name, take, fmt::format("{}: {}", meaning, fmt::join(known, ", ")));
}

}  // namespace feedmill::cli
