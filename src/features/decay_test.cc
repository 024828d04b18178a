#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"
#include "features/decay_internal.h"

namespace feedmill::features {
namespace {

TEST(Decay, Exp2IsTheLibrarysWithinTwoUnits) {
  Random random(1);
  for (int i = 0; i < 200'000; ++i) {
    const double x = (random.Uniform() - 0.7) * 1500;
    const double expected = x < -1022 ? 0 : std::exp2(std::min(x, 1023.0));
    const Four found = Exp2(Four{x, 0, 1, -3});
    ASSERT_NEAR(found[0], expected, expected * 5e-16) << x;
    ASSERT_EQ(found[1], 1);
    ASSERT_EQ(found[2], 2);
    ASSERT_EQ(found[3], 0.125);
  }
}

TEST(Decay, LogIsTheLibrarysWithinTwoUnits) {
  Random random(2);
  for (int i = 0; i < 200'000; ++i) {
    const double x = std::exp((random.Uniform() - 0.2) * 100);
    const Four found = Log(Four{x, 1, 2, 1 + x});
    ASSERT_NEAR(found[0], std::log(x), std::fabs(std::log(x)) * 5e-16 + 1e-18) << x;
    ASSERT_EQ(found[1], 0);
    ASSERT_NEAR(found[2], std::log(2.0), 2e-16);
    ASSERT_NEAR(found[3], std::log(1 + x), std::log(1 + x) * 5e-16);
  }
}

}  // namespace
}  // namespace feedmill::features
