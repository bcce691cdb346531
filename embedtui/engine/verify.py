"""The proof that what was asked for is in force: without it no figure has its setting's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedtui.engine.settings import SWITCHES, Setting
from embedtui.engine.switch import Switch
from embedtui.errors import EngineError


def verify_effective(setting: Setting, effective: Mapping[str, Any]) -> None:
    """Raise EngineError unless every switch that can be proved is in force as it was asked for.

    What was left to vLLM may be anything.
    """
    if "conflict" in effective:
        raise EngineError(effective["conflict"])
    for switch in SWITCHES:
        asked = getattr(setting, switch.key)
        if asked not in {"auto", None} and effective["device"] in switch.proved_on:
            _verify(switch, asked, effective)


def _verify(switch: Switch, asked: Any, effective: Mapping[str, Any]) -> None:
    fact = switch.fact or switch.key
    said = f"{switch.key}={switch.show(asked)} was asked for, but"
    if effective.get(fact) is None:
        raise EngineError(f"{said} what is in force cannot be read back")
    if effective[fact] != asked:
        raise EngineError(f"{said} {switch.show(effective[fact])} is in force")
