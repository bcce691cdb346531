"""The proof that what was asked for is in force: without it no figure has its setting's name."""

from __future__ import annotations

from typing import Any

from embedtui.common.errors import EngineError
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.settings import SWITCHES, Setting
from embedtui.engine.switch import Switch


def verify_effective(setting: Setting, effective: EffectiveConfig) -> None:
    """Raise EngineError unless every switch that can be proved is in force as it was asked for.

    What was left to vLLM may be anything.
    """
    if effective.conflict:
        raise EngineError(effective.conflict)
    for switch in SWITCHES:
        asked = getattr(setting, switch.key)
        if asked not in {"auto", None} and effective.device in switch.proved_on:
            _verify(switch, asked, effective)


def _verify(switch: Switch, asked: Any, effective: EffectiveConfig) -> None:
    found = effective.get(switch.fact or switch.key)
    said = f"{switch.key}={switch.show(asked)} was asked for, but"
    if found is None:
        raise EngineError(f"{said} what is in force cannot be read back")
    if found != asked:
        raise EngineError(f"{said} {switch.show(found)} is in force")
