// A body that does not parse because of some of its messages: those are masked and refused, the others are taken. So a
// message costs itself only, whatever its sender made of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "data/event.h"

namespace feedmill::ingest {

inline constexpr int kJsonDepthMax = 64;  // levels of nesting in a body

// The end of the JSON value that begins at `from`, by its quotes and brackets alone, so that what is wrong inside of it
// does not matter; std::string_view::npos when it does not end.
size_t EndOfJsonValue(std::string_view text, size_t from);

inline constexpr size_t kNullBytes = 4;
// `length` bytes, kNullBytes at least, become null and spaces.
void MaskWithNull(std::string* body, size_t position, size_t length);

struct MaskedBody {
  std::string body;                        // with null in the place of what was masked
  std::map<size_t, Rejection> by_message;  // index in the batch (0 of a single message) -> why it is refused, raw given
};

// Numbers that JSON allows and nothing here can hold: integers beyond 64 bits, others beyond a double. For a body that
// did not parse because of a number. Nothing when no number is too wide: then it is malformed. A single message is the
// body itself, those of a batch are the elements of its member "batch".
std::optional<MaskedBody> MaskWideNumbers(std::string_view body, bool single);

// Messages of a batch that are no JSON by themselves: cut in the middle of a text or of an escape, no UTF-8, nested too
// deep. Nothing when the batch cannot be told apart into messages (brackets that do not match), or all are well.
std::optional<MaskedBody> MaskBrokenMessages(std::string_view body);

}  // namespace feedmill::ingest
