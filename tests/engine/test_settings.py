"""Switches: parsed, explained, refused where a device would not obey."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields

import pytest

from embedtui.common import machine
from embedtui.common.errors import InputError
from embedtui.common.machine import Device
from embedtui.engine import refusals
from embedtui.engine.refusals import CPU_ISA_FEATURES
from embedtui.engine.settings import (
    SWITCHES,
    Setting,
    Switch,
    combine,
    parse_overrides,
    refuse_impossible,
)


def test_every_switch_is_a_field_and_every_field_a_switch() -> None:
    defaults = {switch.key: switch.default for switch in SWITCHES}
    assert len(defaults) == len(SWITCHES)
    assert defaults == {f.name: f.default for f in fields(Setting) if f.name != "model"}


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.key)
def test_the_default_of_a_switch_can_be_written_and_read_back(switch: Switch) -> None:
    assert switch.parse(switch.show(switch.default)) == switch.default
    for choice in switch.choices:
        assert switch.show(switch.parse(choice)) == choice
    assert switch.help
    assert {"cpu", "cuda"} <= set(switch.devices) or switch.refusal


def test_values_are_combined_and_named_by_what_differs() -> None:
    chosen = parse_overrides(["dtype=fp16,bf16,half", "threads=1,2"])
    settings = combine("m", chosen)
    assert [setting.label for setting in settings] == [
        "float16 · threads=1",
        "float16 · threads=2",
        "bfloat16 · threads=1",
        "bfloat16 · threads=2",
    ]
    assert Setting("m").label == "auto"
    assert Setting("http://host/v1#m", requests="concurrent").label == (
        "server · requests=concurrent"
    )
    assert Setting("m", batch_invariant=True).label == "auto · batch_invariant=on"


def test_a_setting_survives_being_written_and_fields_of_the_future() -> None:
    setting = Setting("m", dtype="float16", threads=3, batch_invariant=True)
    assert Setting.from_dict(setting.as_dict() | {"unheard_of": 1}) == setting


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dtyp=float16", ["dtyp", "did you mean dtype"]),
        ("dtype=float61", ["float61", "did you mean float16", "bfloat16"]),
        ("dtype", ["KEY=VALUE"]),
        ("threads=0", ["whole number from 1"]),
        ("threads=two", ["whole number from 1"]),
        ("threads=²", ["whole number from 1"]),
        ("batch_invariant=maybe", ["off, on"]),
        ("\x1b[31mred=1", ["unknown switch"]),
    ],
)
def test_what_cannot_be_parsed_is_told_with_what_to_give(text: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_overrides([text])
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\x1b" not in message
    assert "\n" not in message


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="set twice"):
        parse_overrides(["threads=1", "threads=2"])


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: switch.key)
def test_a_switch_that_a_device_ignores_is_refused_there_with_the_reason(switch: Switch) -> None:
    free = "input_type:query" if switch.read else "2"
    value = switch.choices[-1] if switch.choices else free
    setting = combine("m", {switch.key: [switch.parse(value)]})[0]
    for device in ("cpu", "cuda", "server"):
        if device not in switch.devices:
            with pytest.raises(InputError, match=switch.key):
                refuse_impossible(setting, device)
    refuse_impossible(Setting("m"), "cpu")
    refuse_impossible(Setting("m"), "cuda")


@pytest.mark.parametrize(
    ("installed", "device", "reason"),
    [
        ({}, "cuda", "leaves no choice of its model runner"),
        ({"vllm": "VLLM_USE_V2_MODEL_RUNNER"}, "cpu", "makes no CPU kernels"),
        ({"vllm": "VLLM_USE_V2_MODEL_RUNNER"}, "cuda", None),
        ({"vllm": "VLLM_USE_V2_MODEL_RUNNER", "triton": "class CPUBackend"}, "cpu", None),
    ],
)
def test_a_model_runner_is_refused_where_it_cannot_run(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, str], device: Device, reason: str | None
) -> None:
    monkeypatch.setattr(refusals, "_source", lambda package, *_: installed.get(package, ""))
    with pytest.raises(InputError, match=reason) if reason else nullcontext():
        refuse_impossible(Setting("m", model_runner="v2"), device)


def test_an_instruction_set_that_the_cpu_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cpu_features", lambda: ["avx2"])
    refuse_impossible(Setting("m", cpu_isa="avx2"), "cpu")
    with pytest.raises(InputError, match="this CPU has no avx512_bf16"):
        refuse_impossible(Setting("m", cpu_isa="avx512_bf16"), "cpu")
    assert set(CPU_ISA_FEATURES) | {"auto"} == set(
        next(s for s in SWITCHES if s.key == "cpu_isa").choices
    )
