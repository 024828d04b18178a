// Names and texts as SQL has them.
#pragma once

#include <string>
#include <string_view>

namespace feedmill::query {

// "name" with its quotes doubled; 'text' likewise.
std::string QuoteName(std::string_view name);
std::string QuoteText(std::string_view text);

}  // namespace feedmill::query
