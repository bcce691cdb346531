"""Settings: everything that makes one engine, one line of explanation for each switch.

The table `SWITCHES` is the only list of them; parsing, help, refusals and what the engine is asked
for afterwards all read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from typing import Any

from embedtui import machine
from embedtui.address import is_address
from embedtui.errors import InputError
from embedtui.machine import Device
from embedtui.printable import printable
from embedtui.suggest import suggest


@dataclass(frozen=True)
class Setting:
    """One way to run a model; two equal settings can share an engine."""

    model: str
    """The folder or hub id that vLLM is given, or the address of a server with the name that it
    has for its model."""
    dtype: str = "auto"
    execution: str = "eager"
    pooling_accumulation: str = "float32"
    threads: int | None = None
    cpu_isa: str = "auto"
    max_num_batched_tokens: int | None = None
    matmul_precision: str = "highest"
    kernel_precision: str = "default"
    batch_invariant: bool = False
    attention_backend: str = "auto"
    prefix_caching: bool = False
    chunked_prefill: bool = False
    quantization: str = "none"
    dimensions: int | None = None
    tensor_parallel: int = 1
    encoding: str = "float"
    requests: str = "list"

    @property
    def label(self) -> str:
        """The dtype and every switch that is not at its default: how tables name the setting."""
        changed = [
            f"{switch.key}={switch.show(getattr(self, switch.key))}"
            for switch in SWITCHES
            if switch.key != "dtype" and getattr(self, switch.key) != switch.default
        ]
        return " · ".join([self._head, *changed])

    @property
    def is_server(self) -> bool:
        """Whether a running server is asked, instead of an engine that is loaded here."""
        return is_address(self.model)

    @property
    def _head(self) -> str:
        return "server" if self.is_server and self.dtype == "auto" else self.dtype

    @property
    def brief(self) -> str:
        """The same in a person's words, for a chart that has no room for the keys."""
        changed = [
            switch.brief.format(switch.show(getattr(self, switch.key)))
            for switch in SWITCHES
            if switch.key != "dtype" and getattr(self, switch.key) != switch.default
        ]
        return " · ".join([self._head, *changed])

    def as_dict(self) -> dict[str, Any]:
        """Return every switch by name, as the run file and the JSON report keep it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setting:
        """Build a setting from `as_dict`'s result, also one with fewer switches than today's."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in values.items() if key in known})


@dataclass(frozen=True)
class Switch:
    """One thing that can be set, and what it is."""

    key: str
    help: str
    choices: tuple[str, ...] = ()
    """The values it can take; none for a whole number."""
    aliases: Mapping[str, str] | None = None
    devices: tuple[Device, ...] = ("cpu", "cuda")
    refusal: str = ""
    """Why it is refused on the devices that are not listed."""
    brief: str = "{}"
    """What a setting is called by a value that is not the default."""

    @property
    def default(self) -> Any:
        """The value that a setting has when nothing was asked."""
        return next(field.default for field in fields(Setting) if field.name == self.key)

    def parse(self, text: str) -> Any:
        """Return the value that `text` names.

        Raises:
            InputError: if it names none.
        """
        value = text.strip().lower()
        value = (self.aliases or {}).get(value, value)
        if not self.choices:
            if value == "auto":
                return self.default
            if not value.isascii() or not value.isdecimal() or int(value) < 1:
                raise InputError(
                    f"{self.key}={printable(text)}: give a whole number from 1 up, or auto"
                )
            return int(value)
        if value not in self.choices:
            raise InputError(
                f"unknown {self.key} '{printable(text)}'{suggest(value, self.choices)}: "
                f"give one of {', '.join(self.choices)}"
            )
        return value == "on" if self.choices == ON_OFF else value

    def show(self, value: Any) -> str:
        """Return the text that `parse` would turn into `value`."""
        if self.choices == ON_OFF:
            return "on" if value else "off"
        return "auto" if value is None else str(value)


ON_OFF = ("off", "on")
_ON_OFF_WORDS = {"true": "on", "false": "off", "1": "on", "0": "off", "yes": "on", "no": "off"}
CPU_ISA_FEATURES = {
    "avx2": "avx2",
    "avx512": "avx512f",
    "avx512_vnni": "avx512_vnni",
    "avx512_bf16": "avx512_bf16",
}
"""The processor feature, as the kernel names it, that each instruction set asks for."""
CPU_QUANTIZATIONS = ("none", "fp8_per_channel")
_NO_WIRE = "nothing is sent to an engine on this machine"
_CPU_IGNORES = "vLLM's CPU backend ignores it without a word"

SWITCHES = (
    Switch(
        "dtype",
        "precision of weights and activations; auto is vLLM's choice "
        "(float16 for an embedding model stored in float32)",
        ("auto", "float16", "bfloat16", "float32"),
        {
            "half": "float16",
            "fp16": "float16",
            "f16": "float16",
            "bf16": "bfloat16",
            "fp32": "float32",
            "f32": "float32",
            "float": "float32",
        },
    ),
    Switch(
        "execution",
        "eager runs each step with the shapes it has; compiled lets torch.compile fuse kernels "
        "and, on a GPU, pads small steps to a captured CUDA graph",
        ("eager", "compiled"),
    ),
    Switch(
        "pooling_accumulation",
        "where mean pooling adds up: float32 is today's vLLM; model puts back the old running sum "
        "over the whole batch in the model's dtype",
        ("float32", "model"),
        brief="old pooling",
    ),
    Switch(
        "threads",
        "CPU threads of the engine; with one, bfloat16's batch drift hides",
        devices=("cpu",),
        refusal="the arithmetic runs on the GPU",
        brief="threads {}",
    ),
    Switch(
        "cpu_isa",
        "instructions that oneDNN may use: auto is all that the CPU has, a lesser set shows what "
        "a CPU with no more than that computes",
        ("auto", "avx2", "avx512", "avx512_vnni", "avx512_bf16"),
        devices=("cpu",),
        refusal="the arithmetic runs on the GPU",
    ),
    Switch(
        "max_num_batched_tokens",
        "tokens that one step may hold; auto makes room for the largest batch, "
        "a smaller figure lets vLLM split batches, as a server would",
        brief="{} tokens a step",
    ),
    Switch(
        "matmul_precision",
        "float32 matrix products of torch: highest is IEEE float32, high is TF32, medium bfloat16",
        ("highest", "high", "medium"),
        {"ieee": "highest", "tf32": "high"},
        devices=("cuda",),
        refusal=_CPU_IGNORES,
        brief="matmul {}",
    ),
    Switch(
        "kernel_precision",
        "float32 products inside Triton kernels (attention, batch-invariant linear layers); "
        "default is Triton's own choice, TF32",
        ("default", "tf32", "tf32x3", "ieee"),
        devices=("cuda",),
        refusal="there are no Triton kernels on the CPU",
        brief="{} kernels",
    ),
    Switch(
        "batch_invariant",
        "vLLM's batch-invariant kernels: the same sums in the same order whatever the batch",
        ON_OFF,
        _ON_OFF_WORDS,
        devices=("cuda",),
        refusal=_CPU_IGNORES,
        brief="invariant",
    ),
    Switch(
        "attention_backend",
        "the attention kernel; auto is vLLM's choice for model and dtype",
        ("auto", "flash_attn", "triton_attn", "flex_attention", "flashinfer"),
        devices=("cuda",),
        refusal=_CPU_IGNORES,
    ),
    Switch(
        "prefix_caching",
        "decoder models only: a text that begins like an earlier one takes over what was computed "
        "for that, so that its vector depends on what ran before",
        ON_OFF,
        _ON_OFF_WORDS,
        brief="prefix cache",
    ),
    Switch(
        "chunked_prefill",
        "decoder models only: a text that does not fit a step is computed in pieces; "
        "max_num_batched_tokens says where it is cut",
        ON_OFF,
        _ON_OFF_WORDS,
        brief="chunked",
    ),
    Switch(
        "quantization",
        "weights rounded to 8 bits while they are loaded, and with them what they are multiplied "
        "with: faster on a GPU that can, and the largest error of all switches",
        ("none", "fp8", "fp8_per_channel", "fp8_per_block", "mxfp8"),
    ),
    Switch(
        "dimensions",
        "length of the embedding, for models that were trained to be cut short (Matryoshka); "
        "auto is the whole vector",
        devices=("cpu", "cuda", "server"),
        brief="{} dimensions",
    ),
    Switch(
        "tensor_parallel",
        "processes, or GPUs, that share each matrix product; every count adds up in another order",
        brief="{} in parallel",
    ),
    Switch(
        "requests",
        "how N texts are sent to a server: as the list of one request, or as N requests of one "
        "text at once, from which the server makes batches of what arrives together",
        ("list", "concurrent"),
        devices=("server",),
        refusal=_NO_WIRE,
    ),
    Switch(
        "encoding",
        "how a server writes vectors: as decimals in JSON, or as the bytes of float32 in base64",
        ("float", "base64"),
        devices=("server",),
        refusal=_NO_WIRE,
    ),
)
"""Every switch, dtype first; a key is a field of `Setting`."""

_BY_KEY = {switch.key: switch for switch in SWITCHES}


def parse_overrides(assignments: Iterable[str]) -> dict[str, list[Any]]:
    """Turn `KEY=VALUE[,VALUE]` texts into the values to try for each switch.

    Raises:
        InputError: for a text without `=`, an unknown key or an unknown value; it names the
            nearest key that there is.
    """
    chosen: dict[str, list[Any]] = {}
    for text in assignments:
        key, equals, values = text.partition("=")
        key = key.strip().lower().replace("-", "_")
        if not equals:
            raise InputError(f"'{printable(text)}' sets nothing: write --setting KEY=VALUE")
        if key not in _BY_KEY:
            raise InputError(
                f"unknown setting '{printable(key)}'{suggest(key, _BY_KEY)}: "
                f"give one of {', '.join(_BY_KEY)}"
            )
        if key in chosen:
            raise InputError(f"{key} is set twice: give its values once, as {key}=A,B")
        chosen[key] = _unique(_BY_KEY[key].parse(value) for value in values.split(","))
    return chosen


def combine(model: str, chosen: Mapping[str, Sequence[Any]]) -> tuple[Setting, ...]:
    """Return one setting for every combination of the chosen values."""
    base = Setting(model=model)
    keys = list(chosen)
    return tuple(
        replace(base, **dict(zip(keys, values, strict=True)))
        for values in product(*(chosen[key] for key in keys))
    )


def refuse_impossible(setting: Setting, device: Device) -> None:
    """Raise InputError for the first switch that `device` would not obey.

    A switch that is silently ignored would put a wrong label on a figure.
    """
    for switch in SWITCHES:
        value = getattr(setting, switch.key)
        if value == switch.default:
            continue
        reason = _why_not(switch, value, device)
        if reason:
            raise InputError(f"{switch.key}={switch.show(value)} cannot be had{reason}")
    if device != "server" and setting.quantization != "none" and setting.dtype == "float32":
        raise InputError(
            f"quantization={setting.quantization} cannot be had in float32: vLLM multiplies "
            "quantised weights in 16 bits"
        )


def why_not(values: Mapping[str, Any], device: Device) -> str:
    """Return why `device` would not obey these values of switches; nothing where it would."""
    try:
        refuse_impossible(Setting("", **values), device)
    except InputError as error:
        return str(error)
    return ""


def device_of(setting: Setting) -> Device:
    """Return what computes a setting: the server that it names, or what vLLM computes on here.

    Raises:
        InputError: if an engine is needed here and none is installed.
    """
    return "server" if setting.is_server else machine.engine_device()


def _why_not(switch: Switch, value: Any, device: Device) -> str:
    """Return why a value cannot be had, as the end of a sentence."""
    where = {"cuda": "a GPU", "cpu": "the CPU", "server": "a server"}[device]
    if device not in switch.devices and device == "server":
        return f" on {where}: it is the server's own business, and was decided when it was started"
    if device not in switch.devices:
        return f" on {where}: {switch.refusal}"
    match switch.key:
        case "cpu_isa":
            wanted = CPU_ISA_FEATURES.get(value)
            if wanted is not None and wanted not in machine.cpu_features():
                return f": this CPU has no {wanted}"
        case "quantization" if device == "cpu" and value not in CPU_QUANTIZATIONS:
            return f" on {where}: vLLM has no kernel for it there"
        case "tensor_parallel":
            there = len(machine.gpus()) if device == "cuda" else machine.usable_cores()
            if there < value:
                return (
                    f": there {'is' if there == 1 else 'are'} {there} "
                    + ("GPU" if device == "cuda" else "core")
                    + ("" if there == 1 else "s")
                )
        case _:
            pass
    return ""


def _unique(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
