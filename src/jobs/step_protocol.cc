#include "jobs/step_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "jobs/step.h"

namespace feedmill::jobs {
namespace {

constexpr size_t kLineBytesMax = 1 << 20;

void PrintLine(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

std::string Dump(const nlohmann::json& document) {
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string TextMember(const nlohmann::json& document, const char* name) {
  auto found = document.find(name);
  return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <typename T>
std::optional<T> Variable(const char* name) {
  const char* text = std::getenv(name);
  T value = 0;
  if (text == nullptr || std::from_chars(text, text + std::strlen(text), value).ec != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<StepLine> ParseStepLine(std::string_view line) {
  if (line.size() > kLineBytesMax || !line.starts_with('{')) return std::nullopt;
  auto document = nlohmann::json::parse(line, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  StepLine parsed;
  auto progress = document.find("progress");
  if (progress != document.end() && progress->is_number())
    parsed.progress = std::clamp(progress->get<double>(), 0.0, 1.0);
  parsed.note = TextMember(document, "note");
  parsed.error = TextMember(document, "error");
  auto result = document.find("result");
  if (result != document.end() && result->is_object()) parsed.result = Dump(*result);
  if (!parsed.progress && parsed.error.empty() && parsed.result.empty()) return std::nullopt;
  return parsed;
}

int PartsOfStep() { return std::max(1, Variable<int>(kPartsVariable).value_or(1)); }

std::optional<uint64_t> MemoryOfStep() { return Variable<uint64_t>(kMemoryVariable); }

void PrintProgress(double share, std::string_view note) {
  nlohmann::json document = {{"progress", share}};
  if (!note.empty()) document["note"] = note;
  PrintLine(Dump(document));
}

void PrintResult(std::string_view json_object) { PrintLine(fmt::format("{{\"result\":{}}}", json_object)); }

void PrintError(std::string_view message) { PrintLine(Dump({{"error", message}})); }

}  // namespace feedmill::jobs
