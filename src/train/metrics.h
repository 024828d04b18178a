// Figures of a ranking on held-out rows. All pure; scores may hold ties, which count as the mean over all their orders,
// so that no figure depends on the order of the rows. A figure that has nothing to be measured on is NaN.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace feedmill::train {

// Area under the ROC curve: the chance that a positive row scores above a negative one. Labels are 0 or 1.
double Auc(std::span<const uint8_t> labels, std::span<const double> scores);

// Mean of the groups' AUC weighted by their rows (GAUC of Zhu et al. 2017); groups with one kind of label only are left
// out. `groups`: the group of each row, any numbers.
double GroupedAuc(std::span<const uint8_t> labels, std::span<const double> scores, std::span<const uint32_t> groups);

// Mean over groups with a positive of DCG@k / ideal DCG@k, gain 1 for a positive, discount 1 / log2(place + 1);
// ties as their expectation (McSherry, Najork 2008). `groups` as above.
double Ndcg(std::span<const uint8_t> labels, std::span<const double> scores, std::span<const uint32_t> groups, int k);

// Mean of -ln p(label); probabilities are kept 1e-12 away from 0 and 1.
double LogLoss(std::span<const uint8_t> labels, std::span<const double> probabilities);

// Expected calibration error: rows sorted by probability in `bins` equal parts, mean of |mean probability - share of
// positives|.
double CalibrationError(std::span<const uint8_t> labels, std::span<const double> probabilities, int bins);

// Of one user's ranked list against the set of rows that count as hits: share of the hits within the first k, and
// binary NDCG@k. `relevant` is sorted; must not be empty.
double RecallAt(std::span<const uint32_t> ranked, std::span<const uint32_t> relevant, size_t k);
double NdcgAt(std::span<const uint32_t> ranked, std::span<const uint32_t> relevant, size_t k);

}  // namespace feedmill::train
