"""Names of boxes on their borders."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

HIDDEN = "every setting is hidden: X shows them again"
"""Said where all that was measured was taken off the charts."""


def entitle(box: Widget, title: str, subtitle: str = "") -> None:
    """Name a box; one that has the name already is left alone, or all that is in it is painted.

    Titles hold labels of settings and texts: what looks like markup in them is none.
    """
    shown, shown_below = Content(title), Content(subtitle)
    if (box.border_title or "") != shown.markup:
        box.border_title = shown
    if (box.border_subtitle or "") != shown_below.markup:
        box.border_subtitle = shown_below
