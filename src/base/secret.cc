#include "base/secret.h"

#include <cstdint>
#include <cstdlib>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/log.h"

namespace feedmill {

std::string NewSecret(size_t letters) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr uint8_t kFairBelow = 256 / kLetters.size() * kLetters.size();
  std::string secret;
  while (secret.size() < letters) {
    uint8_t byte = 0;
    if (RAND_bytes(&byte, 1) != 1) {
      log::Error("the operating system gives no random bytes; refusing to make a guessable secret");
      std::abort();
    }
    if (byte < kFairBelow) secret.push_back(kLetters[byte % kLetters.size()]);
  }
  return secret;
}

bool SecretsEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace feedmill
