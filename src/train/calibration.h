// Raw scores to probabilities by a logistic curve (Platt 1999).
#pragma once

#include <cstdint>
#include <span>

namespace feedmill::train {

// p = 1 / (1 + exp(-(slope * raw + intercept))).
struct Calibration {
  double slope = 1;
  double intercept = 0;
};

double Probability(const Calibration& calibration, double raw);

// Maximum likelihood by Newton's method with the priors of Platt (targets (n1 + 1) / (n1 + 2) and 1 / (n0 + 2)), which
// keeps it finite for separable scores. Labels of one kind only, or no spread in the scores, give slope 0 and the
// prior's intercept.
Calibration FitCalibration(std::span<const uint8_t> labels, std::span<const double> raw);

}  // namespace feedmill::train
