#include "app/health.h"

namespace feedmill::app {

void Health::AddCheck(std::string name, std::function<Status()> check) {
  checks_.emplace_back(std::move(name), std::move(check));
}

void Health::AddNotes(std::function<std::vector<std::string>()> notes) { notes_.push_back(std::move(notes)); }

Health::Answer Health::Look() const {
  Answer answer;
  std::string lines;
  for (const auto& [name, check] : checks_) {
    const Status status = check();
    if (status) continue;
    answer.ready = false;
    lines += fmt::format("{}: {}\n", name, status.error().message());
  }
  for (const auto& notes : notes_) {
    for (const std::string& note : notes()) lines += fmt::format("note: {}\n", note);
  }
  answer.text = (answer.ready ? "ready\n" : "not ready\n") + lines;
  return answer;
}

}  // namespace feedmill::app
