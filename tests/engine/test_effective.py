"""What is in force is typed for readers, and written again as it was told."""

from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from embedtui.engine.effective import EffectiveConfig

OF_AN_OLD_FILE = {
    "threads": 2,
    "dtype": "float16",
    "device": "cpu",
    "probe_matmul": None,
    "unheard_of": {"a": 1},
    "normalized": False,
}


def test_is_written_as_it_was_told_to_the_bit() -> None:
    effective = EffectiveConfig.from_dict(OF_AN_OLD_FILE)
    assert json.dumps(effective.to_dict()) == json.dumps(OF_AN_OLD_FILE)
    assert EffectiveConfig.from_dict(effective.to_dict()) == effective
    assert pickle.loads(pickle.dumps(effective)) == effective
    assert (effective.dtype, effective.threads, effective.normalized) == ("float16", 2, False)
    assert effective.get("unheard_of") == {"a": 1}


def test_what_nobody_told_has_its_default_and_is_not_written() -> None:
    assert not EffectiveConfig()
    assert EffectiveConfig().to_dict() == {}
    assert EffectiveConfig().normalized
    assert EffectiveConfig.from_dict(OF_AN_OLD_FILE).get("width") is None


@pytest.mark.parametrize(
    "foreign", [{"dtype": 16}, {"threads": "two"}, {"too_large": ["8"]}, {"normalized": "no"}]
)
def test_what_a_foreign_file_tells_in_another_type_is_refused(foreign: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(foreign))} of what is in force cannot be"):
        EffectiveConfig.from_dict(OF_AN_OLD_FILE | foreign)
    assert EffectiveConfig.from_dict(dict.fromkeys(foreign)) == EffectiveConfig(
        told=dict.fromkeys(foreign)
    )


def test_what_is_told_later_joins_and_changes_nothing_before() -> None:
    before = EffectiveConfig.from_dict(OF_AN_OLD_FILE)
    after = before.merged({"retried": {"a time-out": 2}}, threads=4)
    assert (before.threads, after.threads) == (2, 4)
    assert after.retried == {"a time-out": 2}
    assert list(after.to_dict()) == [*OF_AN_OLD_FILE, "retried"]
    with pytest.raises(FrozenInstanceError):
        before.threads = 3  # type: ignore[misc]
