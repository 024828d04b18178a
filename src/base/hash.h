// Hashes: which one for what. Hash64 spreads (tables, sampling, assignment; may be stored, never for secrets), Crc32c
// guards bytes on disk, Sha256 names content.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace feedmill {

// XXH3, 64 bits. The same on every machine and in every version of this program.
uint64_t Hash64(std::string_view bytes, uint64_t seed = 0);

// CRC-32C (Castagnoli, RFC 3720 appendix B.4). `crc` is the result over the bytes before these, 0 at the start.
// Uses the processor's instruction where there is one.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);
// The same by table, for processors without the instruction and as its twin in tests.
uint32_t Crc32cByTable(std::string_view bytes, uint32_t crc = 0);

// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

// SHA-256 over pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Update(std::string_view bytes);
  // Ends the computation; Update must not follow.
  std::string FinishHex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace feedmill
