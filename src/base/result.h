// One way to fail. `Result<T>` is a value or an `Error`; `Status` is success or an `Error`.
// A message names the thing, what was found and what is allowed, for the person who has to mend it.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace feedmill {

enum class ErrorKind {
  kInvalidArgument,    // the caller's input breaks a stated rule; retrying the same input cannot help
  kNotFound,           // the named thing does not exist
  kAlreadyExists,      // the named thing exists and must not
  kConflict,           // somebody else changed it first; re-read and try again
  kCorrupt,            // bytes that fail their checksum or format; never served
  kIo,                 // the operating system refused (EIO, ENOSPC, EMFILE, ...)
  kUnavailable,        // a peer or a part of this process is not there now; try again later
  kResourceExhausted,  // a named limit was reached
  kDeadlineExceeded,   // the time given ran out
  kPermissionDenied,   // who asks may not
  kAborted,            // stopped on request
  kInternal,           // our own bug
};

std::string_view ErrorKindName(ErrorKind kind);

class Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  std::string ToString() const;

  // The same error with `context: ` in front, for the layer that knows which file or request it was.
  Error WithContext(std::string_view context) const;

 private:
  ErrorKind kind_;
  std::string message_;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline Status Ok() { return {}; }

template <typename... Args>
std::unexpected<Error> Fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected<Error>(std::in_place, kind, fmt::format(format, std::forward<Args>(args)...));
}

#define FEEDMILL_FACTORY(Name)                                                      \
  template <typename... Args>                                                       \
  std::unexpected<Error> Name(fmt::format_string<Args...> format, Args&&... args) { \
    return Fail(ErrorKind::k##Name, format, std::forward<Args>(args)...);           \
  }
FEEDMILL_FACTORY(InvalidArgument)
FEEDMILL_FACTORY(NotFound)
FEEDMILL_FACTORY(AlreadyExists)
FEEDMILL_FACTORY(Conflict)
FEEDMILL_FACTORY(Corrupt)
FEEDMILL_FACTORY(Io)
FEEDMILL_FACTORY(Unavailable)
FEEDMILL_FACTORY(ResourceExhausted)
FEEDMILL_FACTORY(DeadlineExceeded)
FEEDMILL_FACTORY(PermissionDenied)
FEEDMILL_FACTORY(Aborted)
FEEDMILL_FACTORY(Internal)
#undef FEEDMILL_FACTORY

}  // namespace feedmill

#define FEEDMILL_CONCAT_INNER(a, b) a##b
#define FEEDMILL_CONCAT(a, b) FEEDMILL_CONCAT_INNER(a, b)

// __COUNTER__ and not __LINE__: a lambda inside the expression may use these macros too, and all lines of a macro's
// argument are one line. Return the error of a Status or Result expression to the caller.
#define FEEDMILL_TRY(expression) FEEDMILL_TRY_INNER(FEEDMILL_CONCAT(feedmill_status_, __COUNTER__), expression)
#define FEEDMILL_TRY_INNER(temporary, expression)           \
  do {                                                      \
    if (auto temporary = (expression); !temporary) {        \
      return std::unexpected(std::move(temporary).error()); \
    }                                                       \
  } while (false)

// FEEDMILL_ASSIGN(auto value, MakeValue()): assign on success, return the error otherwise.
#define FEEDMILL_ASSIGN(declaration, expression) \
  FEEDMILL_ASSIGN_INNER(FEEDMILL_CONCAT(feedmill_result_, __COUNTER__), declaration, expression)
#define FEEDMILL_ASSIGN_INNER(temporary, declaration, expression)       \
  auto temporary = (expression);                                        \
  if (!temporary) return std::unexpected(std::move(temporary).error()); \
  declaration = std::move(*temporary)
