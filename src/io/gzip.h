// gzip (RFC 1952) of whole buffers, as HTTP bodies need it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace feedmill::io {

// kInvalidArgument: not gzip, cut off, or bytes after its end. kResourceExhausted: more than `bytes_max` come out;
// never allocates more than that.
Result<std::string> Gunzip(std::string_view bytes, size_t bytes_max);

std::string Gzip(std::string_view bytes);

}  // namespace feedmill::io
