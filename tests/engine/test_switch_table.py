"""Every switch is applied, refused where it does nothing, and proved or says why not."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import pytest

from embedtui.common.errors import EngineError, InputError
from embedtui.common.machine import Device
from embedtui.engine.effective import EffectiveConfig
from embedtui.engine.host_environment import SWITCH_VARIABLES, host_environment
from embedtui.engine.serve_command import serve_command
from embedtui.engine.settings import (
    SWITCHES,
    Setting,
    Switch,
    combine,
    expected_cost,
    refuse_impossible,
)
from embedtui.engine.verify import verify_effective
from embedtui.engine.vllm_adapter import apply, read_back

every_switch = pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.key)
engine_switches = pytest.mark.parametrize(
    "switch", [s for s in SWITCHES if not s.is_for_servers_alone], ids=lambda switch: switch.key
)


def another(switch: Switch) -> Any:
    """Return a value that is not the default."""
    free = "input_type:query" if switch.read else "3"
    values = [switch.parse(text) for text in switch.choices or (free,)]
    return next(value for value in values if value != switch.default)


def other_than(value: Any) -> Any:
    """Return another value of the same type."""
    return not value if isinstance(value, bool) else value + type(value)("1")


def setting(switch: Switch, value: Any) -> Setting:
    return combine("m", {switch.key: [value]})[0]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the environment to the test, and put it back as it was."""
    made = {key: value for key, value in os.environ.items() if key not in SWITCH_VARIABLES}
    monkeypatch.setattr(os, "environ", made)
    return made


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the keys of the switches whose functions are called: they would load torch."""
    keys: list[str] = []
    for table in ("BEFORE_BUILDING", "AFTER_LOADING"):
        noted = {key: lambda _, key=key: keys.append(key) for key in getattr(apply, table)}
        monkeypatch.setattr(apply, table, noted)
    return keys


@every_switch
def test_is_applied(switch: Switch, environment: dict[str, str], called: list[str]) -> None:
    def reached(value: Any) -> tuple[dict[str, str], dict[str, Any], list[str]]:
        environment.clear()
        called.clear()
        apply.apply_switches(setting(switch, value))
        apply.change_model(setting(switch, value), None)
        return dict(environment), apply.engine_arguments(setting(switch, value)), list(called)

    there = reached(another(switch)) != reached(switch.default)
    assert there is not switch.per_request


@engine_switches
def test_is_served_as_it_was_measured_or_known_to_be_none_of_a_server_s(switch: Switch) -> None:
    plain = serve_command(Setting("m"), 8)
    command = serve_command(setting(switch, another(switch)), 8)
    assert (command is None) is switch.what_if
    assert (command == plain) is switch.per_request


@every_switch
def test_is_refused_where_it_does_nothing(switch: Switch) -> None:
    for device in ("cpu", "cuda", "server"):
        if device not in switch.devices:
            with pytest.raises(InputError, match=f"^{switch.key}=.* cannot be had on "):
                refuse_impossible(setting(switch, another(switch)), device)


@every_switch
def test_is_proved_wherever_it_is_obeyed_or_says_why_not(switch: Switch) -> None:
    assert set(switch.proved_on) <= set(switch.devices)
    assert (set(switch.proved_on) != set(switch.devices)) == bool(switch.unproved)
    fact, asked = switch.fact or switch.key, setting(switch, another(switch))
    for device in switch.proved_on:
        # A switch is alone at another value; the engine shows the others at what they are.
        others: dict[str, Any] = {s.fact or s.key: s.default for s in SWITCHES}
        shown = others | {"device": device, fact: another(switch)}
        wrong = shown | {fact: other_than(another(switch))}
        verify_effective(asked, EffectiveConfig.from_dict(shown))
        with pytest.raises(EngineError, match=f"^{switch.key}=.* was asked for, but .* in force"):
            verify_effective(asked, EffectiveConfig.from_dict(wrong))
        with pytest.raises(EngineError, match=f"^{switch.key}=.* cannot be read back"):
            verify_effective(asked, EffectiveConfig.from_dict(shown | {fact: None}))


@engine_switches
def test_is_read_back_from_the_engine(switch: Switch) -> None:
    readers = (read_back.READERS, read_back.MODEL_READERS, read_back.CPU_READERS)
    ways = [bool(switch.read_back), bool(switch.fact), *(switch.key in one for one in readers)]
    assert ways.count(True) == 1


def test_what_was_left_to_vllm_may_be_anything() -> None:
    told: dict[str, Any] = {s.fact or s.key: s.default for s in SWITCHES} | {"device": "cpu"}
    facts = EffectiveConfig.from_dict(told)
    verify_effective(Setting("m"), facts.merged(dtype="float16", threads=7, width=384))
    with pytest.raises(EngineError, match="read batch-invariant mode before"):
        verify_effective(
            Setting("m"), facts.merged(conflict="they read batch-invariant mode before")
        )


@every_switch
def test_a_variable_of_the_shell_does_not_decide_it(
    switch: Switch, environment: dict[str, str]
) -> None:
    for variable in switch.env:
        if "engine" in variable.where:
            environment |= dict.fromkeys((variable.name, *variable.rivals), "set by somebody")
    assert "set by somebody" not in host_environment().values()


def test_the_cheapest_settings_come_first() -> None:
    """Compiled last, then by processes, by whether the dtype is a fast one, and by invariance."""

    def order(one: Setting, device: Device) -> tuple[int, ...]:
        fast = ("float16", "bfloat16") if device == "cuda" else ("bfloat16", "float32")
        slow = one.dtype not in fast
        return (one.execution == "compiled", one.tensor_parallel, slow, one.batch_invariant)

    made = [
        replace(
            Setting("m"),
            execution=execution,
            tensor_parallel=count,
            dtype=dtype,
            batch_invariant=on,
        )
        for execution, count, dtype, on in product(
            ("compiled", "eager"), (8, 2, 1), ("auto", "float32", "float16"), (True, False)
        )
    ]
    for device in ("cpu", "cuda"):
        by_cost = sorted(made, key=partial(expected_cost, device=device))
        assert by_cost == sorted(made, key=partial(order, device=device))
