// Secrets: made from the operating system's randomness, compared in constant time.
#pragma once

#include <string>
#include <string_view>

namespace feedmill {

// Letters and digits, about 5.95 bits each; 32 letters by default. Ends the process when the system has no randomness.
std::string NewSecret(size_t letters = 32);

// Takes the same time wherever the two differ (their lengths may show).
bool SecretsEqual(std::string_view a, std::string_view b);

}  // namespace feedmill
