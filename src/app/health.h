// What GET /readyz says: whether requests may be sent here, why not, and what a person should look at.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace feedmill::app {

// Checks and notes are added before the server listens; looked at by any thread, so they are any thread's too.
class Health {
 public:
  struct Answer {
    bool ready = true;
    std::string text;  // lines: "ready" or "not ready", then what fails, then notes
  };

  void AddCheck(std::string name, std::function<Status()> check);
  // Lines that change nothing about readiness: a segment set aside, a clock that jumped.
  void AddNotes(std::function<std::vector<std::string>()> notes);
  Answer Look() const;

 private:
  std::vector<std::pair<std::string, std::function<Status()>>> checks_;
  std::vector<std::function<std::vector<std::string>()>> notes_;
};

}  // namespace feedmill::app
