"""Sweeps: plan files, what is wrong with them, bundles, what a machine cannot have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embedtui.common.errors import InputError
from embedtui.common.machine import Device
from embedtui.engine.settings import SWITCHES
from embedtui.plan.bundles import BUNDLES, bundle
from embedtui.plan.choices import Choices, settings_of
from embedtui.plan.make_plan import plan_of
from embedtui.plan.options import OPTIONS
from embedtui.plan.sweep import load_sweep, sweep_names

PlanFile = Callable[[str], str]


@pytest.fixture
def plan_file(tmp_path: Path) -> PlanFile:
    def write(text: str) -> str:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("name", sweep_names())
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_comes_with_embedtui_can_be_read(name: str, device: Device) -> None:
    choices = load_sweep(name).plans(Choices(), device)[0]
    assert choices.sweep == name
    assert len(settings_of("m", choices.chosen)) > 5


def test_the_precision_sweep_is_over_every_switch_that_can_be_compared() -> None:
    chosen = load_sweep("precision").plans(Choices(), "cuda")[0].chosen
    moved = {key for values in chosen for key in values}
    here = {switch.key for switch in SWITCHES if switch.devices != ("server",)}
    assert moved == here - {"dimensions"}


def test_a_plan_file_says_what_is_measured(plan_file: PlanFile) -> None:
    sweep = load_sweep(
        plan_file(
            'models = ["a", "b"]\nlimit = 5\nbatch_sizes = "1-8*2"\nrepeats = 0\n'
            "reference = false\n"
            'prompt = "query: "\nbundles = ["strict-float32"]\n'
            '[[settings]]\ndtype = ["fp16", "bfloat16"]\nthreads = [1, 2]\n'
            "batch_invariant = false\n"
        )
    )
    assert (sweep.name, sweep.models) == ("mine", ("a", "b"))
    choices = sweep.plans(Choices(), "cuda")[0]
    assert (choices.limit, choices.repeats, choices.reference) == (5, 0, False)
    assert (choices.batch_sizes, choices.prompt) == ((1, 2, 4, 8), "query: ")
    settings = settings_of("m", choices.chosen)
    assert [(s.dtype, s.threads) for s in settings[:4]] == [
        ("float16", 1),
        ("float16", 2),
        ("bfloat16", 1),
        ("bfloat16", 2),
    ]
    assert (settings[4].dtype, settings[4].kernel_precision) == ("float32", "ieee")


def test_what_is_given_by_hand_counts_more_than_the_file(plan_file: PlanFile) -> None:
    sweep = load_sweep(plan_file('limit = 5\nbatch_sizes = "4"\nbundles = ["default"]\n'))
    base = Choices(limit=9, batch_sizes=(1, 2))
    assert sweep.plans(base, "cpu", {"limit"})[0].limit == 9
    assert sweep.plans(base, "cpu", {"batch_sizes"})[0].batch_sizes == (1, 2)


def test_parts_hold_what_differs_and_take_the_rest_from_above(plan_file: PlanFile) -> None:
    sweep = load_sweep(
        plan_file(
            'limit = 5\nbatch_sizes = "4"\nbundles = ["default"]\n'
            '[[parts]]\nmodels = ["a", "b"]\n'
            '[[parts]]\nmodels = ["a"]\njoin = 3\nlimit = 2\n'
            '[[parts.settings]]\ndtype = "float16"\n'
        )
    )
    plans = sweep.plans(Choices(), "cpu")
    assert [(one.model, one.limit, one.join) for one in plans] == [
        ("a", 5, 1),
        ("b", 5, 1),
        ("a", 2, 3),
    ]
    assert [len(one.chosen) for one in plans] == [1, 1, 2]
    assert sweep.models == ("a", "b")
    by_hand = sweep.plans(Choices(model="a"), "cpu", {"model"})
    assert [(one.model, one.join) for one in by_hand] == [("a", 1), ("a", 3)]
    assert [one.model for one in sweep.plans(Choices(model="c"), "cpu", {"model"})] == ["c", "c"]
    assert [one.limit for one in sweep.plans(Choices(limit=9), "cpu", {"limit"})] == [9, 9, 9]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[settings]\n", "is no TOML"),
        ("limits = 5\n", r"unknown key 'limits' \(did you mean limit\?\)"),
        ('limit = "5"\n', "limit must be a whole number"),
        ("limit = true\n", "limit must be a whole number"),
        ('limit = -1\nbundles = ["fast"]\n', "limit must be 0, for all texts, or more"),
        ('repeats = 101\nbundles = ["fast"]\n', "repeats must be 0 to 100"),
        ('too_long = "cut"\nbundles = ["fast"]\n', "too_long must be one of truncate, refuse"),
        ('scenario = "ragg"\nbundles = ["fast"]\n', r"unknown scenario 'ragg' \(did you mean rag"),
        ('scenario = "rag"\n[[parts]]\nscenario = "rag"\n', "part 1: unknown key 'scenario'"),
        ("bundles = [1]\n", "bundles must be a list of texts"),
        ('bundles = ["fats"]\n', r"unknown bundle 'fats' \(did you mean fast\?\)"),
        ("limit = 5\n", "names no settings"),
        ('[[settings]]\ndtyp = "float16"\n', r"unknown key 'dtyp' \(did you mean dtype\?\)"),
        ('[[settings]]\ndtype = "float8"\n', "unknown dtype 'float8'"),
        ("[[settings]]\nthreads = 0\n", "threads=0: give a whole number"),
        ("[[settings]]\ndtype = []\n", "dtype has no values"),
        ('settings = ["float16"]\n', "settings must be tables"),
        ('batch_sizes = "0"\nbundles = ["fast"]\n', "gives no batch sizes"),
        ("parts = [1]\n", "parts must be tables"),
        ("[[parts]]\nlimit = 3\n", "part 1 names no settings"),
        ('[[parts]]\nbundles = ["fats"]\n', "part 1: unknown bundle 'fats'"),
        ('[[parts]]\nparts = []\nbundles = ["fast"]\n', "part 1: unknown key 'parts'"),
        ('join = 0\nbundles = ["fast"]\n', "join must be 1 or more"),
        ('models = [1]\nbundles = ["fast"]\n', "models must be a list of texts"),
        ("timeout = 0\n", "timeout must be 0.1 to 86400"),
        ("[[parts]]\ntimeout = 9\n", "part 1: unknown key 'timeout'"),
        ("ask_key = true\n", "ask_key: a plan file may come from anyone, and says nothing of keys"),
        ('key_for = ["https://a.example"]\n', "key_for: a plan file may come from anyone"),
        ('[[parts]]\nkey_for = ["https://a.example"]\n', "part 1: key_for: a plan file may come"),
        ('model = "minilm"\n', "model: a plan file lists `models`"),
        ('dtype = "float16"\n', r"dtype: it stands in \[\[settings\]\]"),
    ],
)
def test_what_is_wrong_with_a_plan_file_is_told_in_one_line(
    plan_file: PlanFile, text: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        load_sweep(plan_file(text))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("plan file mine")


def test_a_plan_of_models_of_this_machine_has_no_timeout(plan_file: PlanFile) -> None:
    sweep = load_sweep(plan_file('models = ["a"]\ntimeout = 9\nbundles = ["fast"]\n'))
    with pytest.raises(InputError, match="timeout: it is for servers; leave it out"):
        sweep.plans(Choices(), "cpu")


def test_an_unknown_sweep_names_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"no sweep 'precison' .did you mean precision"):
        load_sweep("precison")


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_has_values_that_its_switches_take(name: str) -> None:
    known = {switch.key: switch for switch in SWITCHES}
    for device in ("cpu", "cuda"):
        for key, values in bundle(name).on(device).items():
            assert [known[key].parse(known[key].show(value)) for value in values] == values


def test_what_a_machine_cannot_have_is_left_out_with_its_reason(
    plan_file: PlanFile, on_cpu: None, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = load_sweep(
        plan_file(
            'limit = 3\nbundles = ["invariant"]\n'
            '[[settings]]\ndtype = "float16"\nexecution = ["compiled", "eager"]\n'
        )
    )
    plan, _ = plan_of(sweep.plans(Choices(model=str(model_folder)), "cpu")[0], print)
    assert [setting.execution for setting in plan.settings] == ["eager", "compiled"]
    ((label, reason),) = plan.skipped
    assert label == "float16 · batch_invariant=on"
    assert "cannot be had on the CPU" in reason
    only = load_sweep(plan_file('limit = 3\nbundles = ["invariant"]\n'))
    with pytest.raises(InputError, match="none of the settings can be had here"):
        plan_of(only.plans(Choices(model=str(model_folder)), "cpu")[0], print)


def test_every_option_that_says_what_is_measured_has_a_key(plan_file: PlanFile) -> None:
    values = {
        "texts": '"queries"',
        "column": '"body"',
        "id_column": '"key"',
        "limit": "7",
        "seed": "3",
        "join": "2",
        "batch_sizes": '"1,2"',
        "repeats": "3",
        "shuffles": "4",
        "restarts": "5",
        "prompt": '"query: "',
        "too_long": '"refuse"',
        "layers": "6",
        "reference": "false",
    }
    of_servers = {"against": '"minilm"'}
    invocation = {"model", "dtype", "setting", "also", "timeout", "ask_key", "key_for"}
    assert {*values, *of_servers, *invocation, "bundles", "scenario", "situation"} == {
        o.name for o in OPTIONS
    }
    usual = Choices()
    for model, keys in (("minilm", values), ("http://localhost:9/v1", of_servers)):
        text = "".join(f"{key} = {value}\n" for key, value in keys.items())
        sweep = load_sweep(plan_file(f'{text}models = ["{model}"]\nbundles = ["default"]\n'))
        (choices,) = sweep.plans(usual, "cpu")
        for key in keys:
            assert getattr(choices, key) != getattr(usual, key), key
    assert load_sweep(plan_file('scenario = "golden"\nbundles = ["fast"]\n')).scenario == "golden"


@pytest.mark.parametrize(
    ("models", "keys", "said"),
    [
        ('["http://localhost:9/v1"]', "restarts = 2", "restarts: a server cannot be started anew"),
        ('["http://localhost:9/v1"]', "layers = 2", "layers: a server shows its vectors"),
        ('["minilm"]', 'against = "minilm"', "against: it is for servers"),
    ],
)
def test_a_key_that_no_model_of_a_plan_can_use_is_refused(
    plan_file: PlanFile, models: str, keys: str, said: str
) -> None:
    text = f'{keys}\nmodels = {models}\n[[settings]]\nrequests = "list"\n'
    with pytest.raises(InputError, match=f"plan file mine: {said}"):
        load_sweep(plan_file(text)).plans(Choices(), "cpu")
    mixed = text.replace(models, '["http://localhost:9/v1", "minilm"]')
    server, local = load_sweep(plan_file(mixed)).plans(Choices(), "cpu")
    key = keys.partition(" ")[0]
    assert getattr(server, key) != getattr(local, key)
