from __future__ import annotations

from embedtui.common.wording import duration


def test_durations_are_whole_seconds() -> None:
    assert (duration(4.4), duration(61)) == ("4 s", "1 min 01 s")
