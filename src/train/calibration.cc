#include "train/calibration.h"

#include <cmath>

namespace feedmill::train {
namespace {

constexpr int kStepsMax = 100;
constexpr int kHalvingsMax = 30;
constexpr double kGradientSmall = 1e-9;

struct Targets {
  double positive = 0;
  double negative = 0;
};

// -log likelihood, with log(1 + e^x) computed without overflow.
double Loss(const Calibration& at, std::span<const uint8_t> labels, std::span<const double> raw,
            const Targets& targets) {
  double loss = 0;
  for (size_t i = 0; i < raw.size(); ++i) {
    const double x = at.slope * raw[i] + at.intercept;
    const double target = labels[i] != 0 ? targets.positive : targets.negative;
    loss += std::log1p(std::exp(-std::fabs(x))) + (x > 0 ? (1 - target) * x : -target * x);
  }
  return loss;
}

struct Newton {
  double gradient_slope = 0, gradient_intercept = 0;
  double step_slope = 0, step_intercept = 0;
};

Newton NewtonStep(const Calibration& at, std::span<const uint8_t> labels, std::span<const double> raw,
                  const Targets& targets) {
  Newton newton;
  double h11 = 1e-12, h12 = 0, h22 = 1e-12;  // ridge: invertible for scores without spread
  for (size_t i = 0; i < raw.size(); ++i) {
    const double p = Probability(at, raw[i]);
    const double error = p - (labels[i] != 0 ? targets.positive : targets.negative), curvature = p * (1 - p);
    newton.gradient_slope += error * raw[i];
    newton.gradient_intercept += error;
    h11 += curvature * raw[i] * raw[i];
    h12 += curvature * raw[i];
    h22 += curvature;
  }
  const double determinant = h11 * h22 - h12 * h12;
  if (determinant <= 1e-18 * h11 * h22) {
    newton.step_intercept = -newton.gradient_intercept / h22;
    return newton;
  }
  newton.step_slope = -(h22 * newton.gradient_slope - h12 * newton.gradient_intercept) / determinant;
  newton.step_intercept = -(h11 * newton.gradient_intercept - h12 * newton.gradient_slope) / determinant;
  return newton;
}

}  // namespace

double Probability(const Calibration& calibration, double raw) {
  return 1 / (1 + std::exp(-(calibration.slope * raw + calibration.intercept)));
}

Calibration FitCalibration(std::span<const uint8_t> labels, std::span<const double> raw) {
  double positives = 0;
  for (const uint8_t label : labels) positives += label != 0 ? 1 : 0;
  const double negatives = static_cast<double>(labels.size()) - positives;
  const Targets targets = {(positives + 1) / (positives + 2), 1 / (negatives + 2)};
  Calibration at = {0, std::log((positives + 1) / (negatives + 1))};
  if (positives == 0 || negatives == 0) return at;
  double loss = Loss(at, labels, raw, targets);
  for (int step = 0; step < kStepsMax; ++step) {
    const Newton newton = NewtonStep(at, labels, raw, targets);
    if (std::fabs(newton.gradient_slope) + std::fabs(newton.gradient_intercept) <
        kGradientSmall * static_cast<double>(raw.size()))
      break;
    double share = 1;
    for (int halving = 0; halving < kHalvingsMax; ++halving, share /= 2) {
      const Calibration next = {at.slope + share * newton.step_slope, at.intercept + share * newton.step_intercept};
      const double next_loss = Loss(next, labels, raw, targets);
      if (next_loss > loss) continue;
      at = next;
      loss = next_loss;
      break;
    }
    if (share < 1e-8) break;
  }
  return at;
}

}  // namespace feedmill::train
