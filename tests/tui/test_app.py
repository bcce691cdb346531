"""What keys do, told by what the screen then shows."""

from __future__ import annotations

from embedtui.tui.terminal.screenshot import text_of
from tests.tui.conftest import Make, ran

WIDE = (120, 40)
NARROW = (80, 24)


async def test_one_key_gives_a_verdict(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=WIDE) as pilot:
        await ran(pilot)
        shown = text_of(app)
    assert "float32" in shown
    assert "identical" in shown
    assert "Serve with       float" in shown
    assert "RAG" in shown
