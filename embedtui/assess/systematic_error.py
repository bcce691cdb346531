"""The part of a setting's precision error that all texts share."""

from __future__ import annotations

from embedtui.measure.repeated_rows import are_firsts
from embedtui.measure.systematic_error import SystematicError, systematic_error
from embedtui.results.mismatch import text_errors
from embedtui.results.results import Results, SettingResults


def systematic_error_of(results: Results, setting: SettingResults) -> SystematicError | None:
    """Return the part of the unbatched vectors' error that all texts share.

    None where a text's input was another, which would pass for systematic error.
    """
    errors = text_errors(setting, results.reference)
    if errors is None or errors.wrong.any():
        return None
    vectors = setting.unbatched.vectors
    rows = errors.rows[are_firsts(setting.firsts)[errors.rows]]
    reference = results.reference.vectors[:, : vectors.shape[1]]
    return systematic_error(vectors[rows], reference[rows])


def describe_systematic(found: SystematicError | None) -> str:
    """Say what share of the error all texts share; empty where no dimension is biased."""
    if found is None or not found.biased:
        return ""
    return (
        f", {found.affine_share:.0%} of it systematic (a bias in {found.biased} of "
        f"{found.width} dimensions)"
    )
