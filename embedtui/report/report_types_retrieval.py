"""What the JSON report says of lists of neighbours, as types; see `report_types`."""

from __future__ import annotations

from typing import Annotated, TypedDict


class Kind(str):
    """How the documentation names a type that Python's own name says too little of."""

    __slots__ = ()


_INTEGERS = Kind("two integers")
_NUMBERS = Kind("two numbers")
_ENDS = Kind("two numbers, both ends")
_INTERVAL = Kind("three numbers")


class MarginsReport(TypedDict):
    """Neighbouring places of the lists before, ranks 1 and 2 up to k and k + 1."""

    pairs: Annotated[int, "pairs that are not tied"]
    could_change: Annotated[
        int, "pairs that this drift could turn round if it pointed the worst way"
    ]
    expected: Annotated[
        float, "pairs that it is expected to turn round, by the changes of all gaps"
    ]
    changed: Annotated[int, "pairs that it did turn round"]
    least_gap: Annotated[float | None, "the smallest difference of two neighbouring scores"]
    median_gap: Annotated[float | None, "the median difference of two neighbouring scores"]
    median_change: Annotated[
        float | None, "the median change of these differences: drift in the unit that orders bear"
    ]
    least_tolerance: Annotated[
        float | None, "L2 that every vector may move by before any order is in danger"
    ]


class MeasureReport(TypedDict):
    """One measure of labelled queries."""

    before: Annotated[list[float], _NUMBERS, "mean over queries"]
    after: Annotated[list[float], _NUMBERS, "likewise"]
    difference: Annotated[list[float], _NUMBERS, "mean over queries of after less before"]
    interval: Annotated[
        list[float], _ENDS, "of the mean difference over all such queries, 95 %; see method.md"
    ]
    queries_changed: Annotated[int, "queries with another figure whatever the order of ties"]


class QualityReport(TypedDict):
    """How good lists are by judgements."""

    ndcg_at_10: Annotated[MeasureReport, "ir-measures' `nDCG@10`"]
    recall_at_10: Annotated[MeasureReport, "`R@10`"]
    mrr_at_10: Annotated[MeasureReport, "`RR@10`"]


class ListsReport(TypedDict):
    """One set of lists against another."""

    queries: Annotated[int, "queries that have lists on both sides"]
    top1_changed: Annotated[list[int], _INTEGERS, "queries whose nearest document is another"]
    order_changed: Annotated[
        list[int],
        _INTEGERS,
        "queries with other documents, or another order, among the first k",
    ]
    top1_interval: Annotated[
        list[float], _ENDS, "of the share of all such queries with another nearest document, 95 %"
    ]
    order_interval: Annotated[list[float], _ENDS, "likewise for another order"]
    overlap: Annotated[list[float], _NUMBERS, "share of the first k that both lists have"]
    jaccard: Annotated[list[float], _NUMBERS, "\\|A ∩ B\\| / \\|A ∪ B\\| of the first k"]
    rbo: Annotated[
        list[float],
        _NUMBERS,
        "rank-biased overlap with p = 0.9, extrapolated (Webber, Moffat and Zobel 2010, equation "
        "32)",
    ]
    tau: Annotated[
        list[float],
        _NUMBERS,
        "Kendall's τ; for lists of different documents over all of both, as in K^(½) of Fagin, "
        "Kumar and Sivakumar 2003",
    ]
    margins: Annotated[MarginsReport, "see below"]
    crossed: Annotated[
        dict[str, int],
        "by threshold of the cosine, how many pairs of a query and one of its first k documents "
        "come to lie on its other side",
    ]
    scored: Annotated[int, "how many such pairs there are"]
    quality: Annotated[
        QualityReport | None,
        "`ndcg_at_10`, `recall_at_10` and `mrr_at_10`; null without labels, and where ir-measures "
        "is not installed",
    ]


class BatchListsReport(ListsReport):
    """What batches of one size do to lists."""

    batch_size: Annotated[int, "against the unbatched lists"]
    worst_pass: Annotated[str, "the order of the texts that changes most: `first` or `shuffle-1` …"]
    orders: Annotated[int, "how many orders were tried"]


class ForecastReport(TypedDict):
    """The same drift in a larger corpus of such texts, each with the ends of its 90 % interval."""

    documents: Annotated[int, "of the larger corpus: the largest whose intervals were checked"]
    order_changed: Annotated[list[float], _INTERVAL, "share of queries with another order"]
    top1_changed: Annotated[list[float], _INTERVAL, "share with another nearest document"]
    power: Annotated[
        list[float], _INTERVAL, "gaps times their rank go as this power of rank / documents"
    ]


class RetrievalReport(TypedDict):
    """What a setting does to lists of neighbours."""

    k: Annotated[int, "documents that a list is taken to have"]
    queries: Annotated[int, "how many ask: those whose vectors came back"]
    documents: Annotated[int, "how many are searched: those whose vectors came back"]
    labelled: Annotated[bool, "whether queries and documents are different texts"]
    batches: Annotated[
        list[BatchListsReport],
        "for each batch size its lists against the unbatched ones, with `batch_size`",
    ]
    worst_batch_size: Annotated[int | None, "the one that changes most lists"]
    mixed: Annotated[
        list[BatchListsReport],
        "likewise for queries alone against documents in batches, held against both alone",
    ]
    worst_mixed_batch_size: Annotated[int | None, "the one of these that changes most lists"]
    forecast: Annotated[
        ForecastReport | None,
        "what its drift would do in a larger corpus; null below 200 documents or queries, for as "
        "many as it would be for, for random weights, and for packs with queries of their own",
    ]
    random_weights: Annotated[bool, "whether the lists say nothing of trained models"]
    precision_error: Annotated[
        ListsReport | None, "the unbatched lists against those of the float64 reference"
    ]
