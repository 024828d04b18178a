// Bytes as text: hexadecimal, base64 (RFC 4648), percent (RFC 3986), and JSON string escapes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace feedmill {

std::string HexEncode(std::string_view bytes);  // lower case
std::string Base64Encode(std::string_view bytes);
// Standard and URL-safe letters, padding optional. Nothing when a letter or the length is not base64's.
std::optional<std::string> Base64Decode(std::string_view text);

// "%41" -> "A". A broken escape stays as it is. `plus_is_space` for queries and forms.
std::string PercentDecode(std::string_view text, bool plus_is_space = false);
// Everything but letters, digits and -._~ becomes an escape.
std::string PercentEncode(std::string_view text);

// Whether all of it is well-formed UTF-8.
bool IsUtf8(std::string_view text);

// Appends `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);

}  // namespace feedmill
