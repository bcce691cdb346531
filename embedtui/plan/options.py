"""The options of a run, each once: commands, the config file and plan files are made of this table.

A row says what the option is called, which values are right, which commands have it, and for which
models it has a meaning. Where it has none it is refused with the row's reason, never dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from embedtui.common.address import is_address
from embedtui.common.errors import InputError
from embedtui.common.schema import Key
from embedtui.plan.batch_sizes import parse_batch_sizes
from embedtui.plan.bundles import BUNDLES
from embedtui.plan.choices import Choices
from embedtui.plan.scenarios import SITUATIONS

ModelKind = Literal["local", "server", "held"]
"""A model on this machine, a server, or a server held against a model on this machine."""
Mode = Literal["run", "sweep", "check", "plan", "advise", "layers", "explore"]
"""A command, or a way to use one: `sweep` is `run --sweep`, `advise` is `run --advise`, `layers` is
`run --layers-only`, `plan` is `check PLAN.toml`; `explore` is `embedtui` alone or with a model."""

_LOCAL: frozenset[ModelKind] = frozenset({"local"})
_HERE: frozenset[ModelKind] = frozenset({"local", "held"})
_SERVER: frozenset[ModelKind] = frozenset({"server", "held"})
_ANY: frozenset[ModelKind] = frozenset({"local", "server", "held"})
_ALL: tuple[Mode, ...] = ("run", "check", "advise", "layers", "explore")
_TIMES = Key(int, 0, 100)
_SWEPT = "the plan file says which settings are measured"
_AMONG_SETTINGS = "it stands in [[settings]], by the name of the switch"
_NO_KEYS = "a plan file may come from anyone, and says nothing of keys: give it with the command"
_SERVED = "a server has the dtype and the switches that it was started with"


@dataclass(frozen=True)
class Option:
    """One option of a run."""

    name: str
    """The parameter of commands, the key of the config file and of plan files, the field of
    `Choices`."""
    help: str
    key: Key
    """Which values are right."""
    default: Any = None
    """What counts where nothing is given."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Other defaults, by command, and `config` for the config file."""
    flag: str = ""
    """How it is written, unless as its name."""
    flag_help: str = ""
    """What a flag that turns it off does."""
    metavar: str = ""
    multiple: bool = False
    """Whether a command line may give it several times."""
    commands: tuple[Mode, ...] = _ALL
    models: frozenset[ModelKind] = _ANY
    reason: str = ""
    """Why other models cannot use it."""
    refused: Mapping[Mode, str] = field(default_factory=dict)
    """Why a mode of a command that has it cannot use it."""
    chosen: bool = True
    """Whether it is a field of `Choices`."""
    empty: Any = None
    """The value that stands for None in `Choices`."""
    off: Any = None
    """The value in `Choices` that asks for nothing."""
    in_config: bool = True
    plan_kind: Key | None = None
    """Which values are right in a plan file, where they are others than on a command line."""
    not_in_plan: str = ""
    """Why a plan file has no key of its name; empty where it has one."""

    @property
    def written(self) -> str:
        """The option as it is written on a command line."""
        return self.flag or f"--{self.name.replace('_', '-')}"

    def default_in(self, place: str) -> Any:
        """Return the default in a command or in `config`."""
        return self.defaults.get(place, self.default)

    def read(self, value: Any) -> Any:
        """Return the field of `Choices` for a value as it is written.

        Raises:
            InputError: for batch sizes that are none.
        """
        if self.name == "batch_sizes":
            return parse_batch_sizes(value)
        return None if value is None or value == self.empty else value

    def write(self, value: Any) -> Any:
        """Return the value that `read` would turn into a field of `Choices`."""
        if self.name == "batch_sizes":
            return ",".join(map(str, value))
        return self.empty if value is None else value


def _sizes(text: str) -> None:
    try:
        parse_batch_sizes(text)
    except InputError as error:
        raise InputError(f"batch_sizes: {error}") from error


def _per_run(name: str, usual: int, told: str, **further: Any) -> Option:
    """Return an option that says how often something is done."""
    commands: tuple[Mode, ...] = ("run",)
    return Option(name, told, _TIMES, usual, metavar="N", commands=commands, off=0, **further)


OPTIONS = (
    Option(
        "model",
        "an alias (minilm), a folder, a hub id, or the address of a server, http://host:port/v1",
        Key(str),
        "minilm",
        metavar="MODEL",
        commands=("run", "advise", "layers", "explore"),
        not_in_plan="a plan file lists `models`",
    ),
    Option(
        "texts",
        "a text pack (see `embedtui list texts`), a file (.txt, .jsonl, .csv, .tsv, .parquet) or a "
        "folder of queries and documents in BEIR's layout",
        Key(str),
        "passages",
        metavar="PACK|FILE|FOLDER",
    ),
    Option(
        "column",
        "the file's column of texts; `text` where none is named",
        Key(str),
        "",
        metavar="NAME",
        empty="",
    ),
    Option(
        "id_column",
        "the file's column of ids; `id`, if any, where none is named",
        Key(str),
        "",
        metavar="NAME",
        empty="",
    ),
    Option(
        "limit",
        "take N texts only, drawn from all by the seed; 0 for all",
        Key(int, 0, said="0, for all texts, or more"),
        0,
        {"config": 64, "layers": 32},
        metavar="N",
        empty=0,
    ),
    Option(
        "seed",
        "another seed draws other texts where --limit leaves some out, and in a check the orders",
        Key(int, 0),
        0,
        {"check": None},
        metavar="N",
        commands=("run", "check", "advise"),
        in_config=False,
    ),
    Option(
        "join",
        "put every N texts together to one: long texts out of any pack",
        Key(int, 1),
        1,
        metavar="N",
        commands=("run",),
        in_config=False,
    ),
    Option(
        "dtype",
        "precisions to load the model in; `auto` is vLLM's own choice",
        Key(str),
        "bfloat16,float16,float32",
        {"check": "auto", "layers": "float16"},
        metavar="DTYPE,...",
        commands=("run", "check", "layers", "explore"),
        models=_HERE,
        reason=_SERVED,
        refused={"sweep": _SWEPT, "plan": _SWEPT},
        chosen=False,
        in_config=False,
        not_in_plan=_AMONG_SETTINGS,
    ),
    Option(
        "setting",
        "change a switch; several values are compared; `embedtui list settings` explains them",
        Key(str),
        metavar="KEY=VALUE[,VALUE]",
        multiple=True,
        commands=("run", "check", "layers", "explore"),
        refused={"sweep": _SWEPT, "plan": _SWEPT},
        chosen=False,
        in_config=False,
        not_in_plan=_AMONG_SETTINGS,
    ),
    Option(
        "also",
        "one setting more, told in full: --also dtype=bfloat16,threads=1",
        Key(str),
        metavar="KEY=VALUE,...",
        multiple=True,
        commands=("run",),
        refused={"sweep": _SWEPT},
        chosen=False,
        in_config=False,
        not_in_plan=_AMONG_SETTINGS,
    ),
    Option(
        "bundles",
        f"settings by name: {', '.join(BUNDLES)}; `embedtui list settings` explains them",
        Key(str),
        flag="--bundle",
        metavar="NAME,...",
        commands=("run",),
        models=_HERE,
        reason=_SERVED,
        refused={"sweep": _SWEPT},
        chosen=False,
        in_config=False,
        plan_kind=Key(list, items=str),
    ),
    Option(
        "batch_sizes",
        "texts per step; ranges too: 2-8, 1-64*2; 1, unbatched, is always measured",
        Key(str, check=_sizes),
        "1,2,4,8,16,32,64",
        {"check": "1,8,64", "layers": "64"},
        metavar="N,...",
        commands=("run", "check", "advise", "layers", "explore"),
    ),
    _per_run(
        "repeats",
        1,
        "run the unbatched and the largest batches again N times: the noise floor",
    ),
    _per_run(
        "shuffles",
        2,
        "try the largest batches in N other orders too: other company, other places",
    ),
    _per_run(
        "restarts",
        0,
        "load every engine anew N times and run the unbatched and the largest batches again",
        models=_LOCAL,
        reason="a server cannot be started anew from here",
    ),
    Option(
        "prompt",
        "put before every text: one of the model's own prompts (query, passage) or a text such as "
        "'query: '",
        Key(str),
        "",
        metavar="NAME|TEXT",
        commands=_ALL,
        off="",
    ),
    Option(
        "too_long",
        "what to do with texts beyond the model's limit",
        Key(str, choices=("truncate", "refuse")),
        "truncate",
        commands=("run",),
    ),
    Option(
        "scenario",
        "what the embeddings are for, and so the limit on drift and error; `embedtui list "
        "scenarios` explains them",
        Key(str),
        "rag",
        metavar="NAME",
        commands=("run", "check", "advise"),
        chosen=False,
        in_config=False,  # it is a key of its looks there
    ),
    Option(
        "situation",
        "what the vectors meet: " + "; ".join(f"{key}, {said}" for key, said in SITUATIONS.items()),
        Key(str, choices=tuple(SITUATIONS)),
        commands=("run", "check", "advise"),
        chosen=False,
        in_config=False,  # likewise
    ),
    Option(
        "against",
        "for a server: the same model on this machine, whose float64 reference judges the server; "
        "local engines stand beside it where they are asked for",
        Key(str),
        "",
        metavar="MODEL",
        commands=("run", "check"),
        models=_SERVER,
        reason="it is for servers: give the address of one as the model",
        off="",
    ),
    Option(
        "layers",
        "measure the layers of every setting too, with the first N texts: see --layers-only",
        Key(int, 0),
        0,
        metavar="N",
        commands=("run",),
        models=_HERE,
        reason="a server shows its vectors and nothing of how it came to them",
        in_config=False,
        off=0,
    ),
    Option(
        "reference",
        "each text once in float64 on the same weights, kept for next time: the precision error",
        Key(bool),
        True,
        flag="--no-reference",
        flag_help="leave out the float64 reference and precision error",
        commands=("run", "layers"),
        models=_HERE,
        reason="a server without --against has no float64 reference",
        off=False,
    ),
    Option(
        "timeout",
        "for a server: what one request may take",
        Key(float, 0.1, 86_400),
        120.0,
        metavar="SECONDS",
        commands=("run", "check"),
        models=_SERVER,
        reason="it is for servers",
        chosen=False,
        in_config=False,
    ),
    Option(
        "ask_key",
        "for a server: ask for its key; else EMBEDTUI_API_KEY goes to the server that the command "
        "line names, over https or on this machine, and OPENAI_API_KEY to api.openai.com",
        Key(bool),
        False,
        commands=("run", "check"),
        models=_SERVER,
        reason="it is for servers",
        chosen=False,
        in_config=False,
        not_in_plan=_NO_KEYS,
    ),
    Option(
        "key_for",
        "for a server: send it EMBEDTUI_API_KEY, also where a file names it or over plain http",
        Key(str),
        metavar="URL",
        multiple=True,
        commands=("run", "check", "explore"),
        models=_SERVER,
        reason="it is for servers",
        chosen=False,
        in_config=False,
        not_in_plan=_NO_KEYS,
    ),
)
"""Every option of a run. What says where a command writes, and how, is the commands' own."""

BY_NAME = {option.name: option for option in OPTIONS}
CHOSEN = tuple(option for option in OPTIONS if option.chosen)
"""The options that are fields of `Choices`."""


def model_kind(choices: Choices) -> ModelKind:
    """Return which kind of model is chosen."""
    if not is_address(choices.model):
        return "local"
    return "held" if choices.against else "server"


def usable(choices: Choices) -> Choices:
    """Return the choices without what the chosen kind of model cannot follow."""
    kind = model_kind(choices)
    return replace(
        choices, **{option.name: option.off for option in CHOSEN if kind not in option.models}
    )


def refuse_unusable(
    given: Collection[str], mode: Mode, plans: Sequence[Choices], *, in_file: bool = False
) -> None:
    """Refuse what was given by hand, or `in_file`, and none of the `plans` can use.

    Raises:
        InputError: naming the option and the reason.
    """
    kinds = {model_kind(choices) for choices in plans}
    for option in OPTIONS:
        if option.name not in given:
            continue
        reason = option.refused.get(mode, "")
        if not reason and kinds and not kinds & option.models:
            reason = option.reason
        if reason:
            name = option.name if in_file else option.written
            raise InputError(f"{name}: {reason}; leave it out")
