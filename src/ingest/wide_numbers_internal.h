// Numbers that JSON allows and nothing here can hold: integers beyond 64 bits, others beyond a double. One of them
// costs its message, not the body it came in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "data/event.h"

namespace feedmill::ingest {

struct WideNumbers {
  std::string body;                        // with null in the place of each
  std::map<size_t, Rejection> by_message;  // index in the batch (0 of a single message) -> why it is refused, raw given
};

// For a body that did not parse because of a number. Nothing when no number is too wide: then it is malformed. A single
// message is the body itself, those of a batch are the elements of its member "batch".
std::optional<WideNumbers> MaskWideNumbers(std::string_view body, bool single);

}  // namespace feedmill::ingest
