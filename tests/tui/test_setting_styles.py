"""A setting looks the same in every recording, whatever stands beside it."""

from __future__ import annotations

from itertools import permutations

from embedtui.charts import mark_of
from embedtui.engine.settings import Setting
from embedtui.storage.library import recordings
from embedtui.storage.run_file import read
from embedtui.tui.viewmodel.setting_styles import SettingStyles
from embedtui.tui.viewmodel.view_state import Key


def key(model: str = "m", **switches: object) -> Key:
    return "hash", "pack", Setting(model, **switches)  # type: ignore[arg-type]


SOME = (
    key(dtype="float16"),
    key(dtype="float32"),
    key(dtype="float32", attention_backend="flex_attention"),
    key(dtype="float32", threads=3),
)


def test_the_order_in_which_settings_come_changes_nothing() -> None:
    found = {
        tuple(sorted(SettingStyles().assign(order).items(), key=str))
        for order in permutations(SOME)
    }
    assert len(found) == 1


def test_a_setting_that_comes_later_changes_no_other() -> None:
    styles = SettingStyles()
    before = dict(styles.assign(SOME[2:]))
    assert before.items() <= styles.assign(SOME).items()


def test_settings_that_differ_in_the_model_alone_differ_in_their_glyph() -> None:
    keys = [(f"hash-{n}", "pack", Setting("m", dtype="float32")) for n in range(24)]
    assert len({mark_of(style) for style in SettingStyles().assign(keys).values()}) == 24


def test_in_all_recordings_a_setting_has_one_style_and_one_glyph_to_itself() -> None:
    found: dict[str, set[str]] = {}
    for path in recordings().values():
        run = read(path)
        keys: list[Key] = [("m", "p", one.setting) for one in run.settings]
        styles = SettingStyles().assign(keys)
        assert len({mark_of(style) for style in styles.values()}) == len(keys)
        for one in keys:
            found.setdefault(one[2].label, set()).add(styles[one])
    assert {len(styles) for styles in found.values()} == {1}
    assert len(found) > 10
