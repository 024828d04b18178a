// Matchers for tests: EXPECT_THAT(result, IsOk()), EXPECT_THAT(result, IsError(ErrorKind::kNotFound,
// HasSubstr("a.txt"))). For tests only.
#pragma once

#include <gmock/gmock.h>

#include "base/result.h"

namespace feedmill {

MATCHER(IsOk, negation ? "is an error" : "is a success") {
  if (arg.has_value()) return true;
  *result_listener << "error " << arg.error().ToString();
  return false;
}

MATCHER_P(IsError, kind, std::string("is the error ") + std::string(ErrorKindName(kind))) {
  if (arg.has_value()) {
    *result_listener << "a success";
    return false;
  }
  *result_listener << "error " << arg.error().ToString();
  return arg.error().kind() == kind;
}

MATCHER_P2(IsError, kind, message,
           std::string("is the error ") + std::string(ErrorKindName(kind)) + " whose message matches") {
  if (arg.has_value()) {
    *result_listener << "a success";
    return false;
  }
  *result_listener << "error " << arg.error().ToString();
  return arg.error().kind() == kind && ::testing::ExplainMatchResult(message, arg.error().message(), result_listener);
}

}  // namespace feedmill
