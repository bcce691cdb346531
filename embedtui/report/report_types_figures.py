"""What the JSON objects say of many distances, of counts and of speeds, as types."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict


class FiguresReport(TypedDict):
    """One metric over many pairs."""

    max: Annotated[float, "the largest"]
    p99: Annotated[
        float | None, "99 % of the pairs are at most this; null below 299 texts, see method.md"
    ]
    p95: Annotated[float | None, "likewise for 95 %; null below 59 texts"]
    p50: Annotated[float, "the median"]
    mean: Annotated[float, "the mean"]
    min: Annotated[NotRequired[float], "only of `bits`: the least, where the drift is"]


class DistributionReport(TypedDict):
    """The distances of many pairs, summed up."""

    texts: Annotated[int, "pairs that could be compared"]
    identical: Annotated[int, "how many of them are equal in every bit"]
    cosine: Annotated[
        FiguresReport | None,
        "1 − cos, computed as half the squared length of the chord, right down to 1e-31",
    ]
    l2: Annotated[FiguresReport | None, "Euclidean distance, 0 to 2"]
    max_abs: Annotated[FiguresReport | None, "largest difference in one dimension"]
    relative_l2: Annotated[
        FiguresReport | None,
        "‖a − b‖ / ‖b‖ of the vectors as they came; b is the baseline or the float64 reference",
    ]
    bits: Annotated[FiguresReport | None, "agreeing bits: −log2 of `relative_l2`, at most 53"]


class SpeedReport(TypedDict):
    """Texts per second over warm passes."""

    median: Annotated[float, "the median"]
    low: Annotated[float, "the slowest pass"]
    high: Annotated[float, "the fastest pass"]
    passes: Annotated[int, "how many were timed; the first counts only where it is the only one"]
