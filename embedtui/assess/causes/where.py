"""Where drift is: at which batch sizes, in which orders, from which length on."""

from __future__ import annotations

import numpy as np

from embedtui.assess.causes.evidence import Evidence
from embedtui.assess.causes.inputs import from_length, tokens_of

_SHARE = 0.1
"""Least share of the largest drift that counts as the same drift."""


def where(evidence: Evidence) -> str:
    """Say what the sizes, orders and texts that drift have in common; empty where all do."""
    said = [_sizes(evidence), _orders(evidence), _lengths(evidence)]
    return "".join(f"; {one}" for one in said if one)


def _sizes(evidence: Evidence) -> str:
    least = _SHARE * evidence.largest_drift
    struck = [size for size, drift in evidence.largest_drifts.items() if drift >= least]
    if len(struck) == len(evidence.largest_drifts):
        return ""
    listed = ", ".join(map(str, sorted(struck)))
    if min(struck) > max(set(evidence.largest_drifts) - set(struck)) and len(struck) > 1:
        spared = max(set(evidence.largest_drifts) - set(struck))
        return f"from batch size {min(struck)} on, not at {spared}"
    return f"at batch size {listed} alone"


def _orders(evidence: Evidence) -> str:
    size = max(evidence.drifts)
    orders = [float(drift.l2.max()) for _, _, drift in evidence.setting.drifts(size)]
    struck = sum(drift >= _SHARE * evidence.largest_drift for drift in orders)
    if not 0 < struck < len(orders):
        return ""
    return f"in {struck} of {len(orders)} orders at batch size {size}"


def _lengths(evidence: Evidence) -> str:
    """Say from which length on texts drift, where it is just the longest ones."""
    largest = np.zeros(len(evidence.results.plan.pack))
    for size in evidence.drifts:
        for _, rows, drift in evidence.setting.drifts(size):
            largest[rows] = np.maximum(largest[rows], drift.l2)
    rows = np.flatnonzero(evidence.setting.unbatched.done)
    tokens = tokens_of(evidence, rows)
    least = from_length(tokens, largest[rows] >= _SHARE * evidence.largest_drift)
    return "" if least is None or not tokens.all() else f"only texts of {least} tokens and more"
