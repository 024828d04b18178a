// What is wrong with a JSON text, in our words: what the parser's library says is no part of our interface.
#pragma once

#include <string_view>

#include <simdjson.h>

namespace feedmill::ingest {

std::string_view JsonFault(simdjson::error_code error);

}  // namespace feedmill::ingest
