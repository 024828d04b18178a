"""Paired measurement: A B B A ..., the median of the paired ratios, and an A/A control."""

import statistics


def paired(measure_a, measure_b, pairs: int = 9) -> dict:
    """Each measure returns a rate (higher is better). The ratio is a / b, pair by pair."""
    a, b = [], []
    for number in range(pairs):
        for name in "ab" if number % 2 == 0 else "ba":
            (a if name == "a" else b).append(measure_a() if name == "a" else measure_b())
    ratios = [x / y for x, y in zip(a, b)]
    control = [a[i] / a[i + 1] for i in range(0, pairs - 1, 2)]
    return {
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
        "control_a_a": round(statistics.median(control), 3),
        "a_median": round(statistics.median(a), 1),
        "b_median": round(statistics.median(b), 1),
        "pairs": pairs,
    }
