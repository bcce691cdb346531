"""The table of usual errors is what the shipped recordings say."""

from __future__ import annotations

from embedtui.assess.usual_error import USUAL_ERROR
from tests.usual_error import usual_errors


def test_the_table_is_what_the_recordings_say() -> None:
    assert usual_errors() == USUAL_ERROR
