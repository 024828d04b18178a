// Powers of two and logarithms of four doubles at once. The same polynomials wherever a feature is computed, so that
// the nightly, the stream and the request path agree to the last bit whatever libm the machine has. Relative error
// below 4e-16.
#pragma once

#include <cstdint>
#include <cstring>

namespace feedmill::features {

using Four = double __attribute__((vector_size(32)));
using FourBits = int64_t __attribute__((vector_size(32)));

inline Four Spread(double value) { return Four{value, value, value, value}; }

// 2^x; 0 below -1022, and x above 1023 counts as 1023.
inline Four Exp2(Four x) {
  constexpr double kMagic = 0x1.8p52;  // adding it rounds to an integer, whose low bits then end the mantissa
  const FourBits tiny = x < -1022.0;
  x = x < -1022.0 ? Spread(-1022.0) : x;
  x = x > 1023.0 ? Spread(1023.0) : x;
  const Four shifted = x + kMagic;
  const Four whole = shifted - kMagic;
  const Four r = (x - whole) * 0x1.62e42fefa39efp-1;  // ln 2, |r| <= 0.3466
  // Taylor series of e^r up to r^13: the rest is below 5e-18.
  Four p = Spread(1.0 / 6227020800.0);
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const FourBits scale = ((FourBits)shifted + 1023) << 52;
  const Four result = p * (Four)scale;
  return tiny ? Spread(0.0) : result;
}

// Natural logarithm of a positive, normal, finite x.
inline Four Log(Four x) {
  constexpr int64_t kHalfRootBits = 0x3fe6a09e667f3bcd;  // sqrt(1/2): the mantissa is brought into [sqrt(1/2), sqrt(2))
  const FourBits bits = (FourBits)x;
  const FourBits exponent = (bits - kHalfRootBits) >> 52;
  const Four m = (Four)(bits - (exponent << 52));
  // Small integers to doubles without AVX-512: through the mantissa of 1.5 * 2^52.
  const Four whole = (Four)(exponent + 0x4338000000000000) - 0x1.8p52;
  const Four f = (m - 1.0) / (m + 1.0);
  const Four s = f * f;
  // 2 * atanh(f): |f| <= 0.1716, the rest after s^10 is below 1e-17.
  Four p = Spread(2.0 / 21.0);
  p = p * s + 2.0 / 19.0;
  p = p * s + 2.0 / 17.0;
  p = p * s + 2.0 / 15.0;
  p = p * s + 2.0 / 13.0;
  p = p * s + 2.0 / 11.0;
  p = p * s + 2.0 / 9.0;
  p = p * s + 2.0 / 7.0;
  p = p * s + 2.0 / 5.0;
  p = p * s + 2.0 / 3.0;
  p = p * s * f + 2.0 * f;
  return whole * 0x1.62e42fefa39efp-1 + p;
}

}  // namespace feedmill::features
