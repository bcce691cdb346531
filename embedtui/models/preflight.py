"""What vLLM will make otherwise than the model's own files ask, told from the files alone.

vLLM reads the modules of sentence-transformers one kind at a time: one pooling, then every Dense
layer, then one normalisation. What does not fit that it drops or reorders, and its vectors are then
not the model's, though they look well. Read from vLLM 0.32: `config.py` in `transformers_utils` and
`adapters.py` in `model_executor/models`.
"""

from __future__ import annotations

from pathlib import Path

from embedtui.common.printable import printable
from embedtui.models import files
from embedtui.models.info import FROM_VLLM, ModelInfo
from embedtui.models.servable import known_activations

_VLLM_POOLINGS = {"mean", "cls", "last", "mean_sqrt_len"}
"""What vLLM's sequence poolers do; the square root only scales what is then normalized."""
_KINDS = {"Transformer", "Pooling", "Dense", "Normalize"}
_DENSE_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_SCORES = {
    "dot": "dot product",
    "dot_score": "dot product",
    "euclidean": "Euclidean distance",
    "manhattan": "Manhattan distance",
}
_IDENTITY = "torch.nn.modules.linear.identity"


def differences(folder: Path, pooling: str | None, default_pooling: str | None) -> tuple[str, ...]:
    """Return a plain line for each thing that makes vLLM's vectors others than the model's.

    `pooling` is what the files ask for, `default_pooling` vLLM's own for the architecture. Raises
    `InputError` where a module's config.json is broken.
    """
    modules = [(_kind(one), files.module_folder(folder, one)) for one in files.modules(folder)]
    kinds = [kind for kind, _ in modules]
    said = _pooling(kinds, pooling, default_pooling)
    said += [
        f"vLLM leaves out {printable(kind, 40)}, which the model's files ask for"
        for kind in kinds
        if kind not in _KINDS
    ]
    configs = {
        at: files.read_object(inside / "config.json")
        for at, (kind, inside) in enumerate(modules)
        if kind == "Dense" and inside is not None
    }
    for at, config in configs.items():
        inside = modules[at][1]
        assert inside is not None
        said += _dense(inside, config)
    said += _order(kinds, configs)
    said += _without_its_modules(folder)
    return tuple(said)


def why_no_model(folder: Path) -> str:
    """Return what a folder without config.json is instead of a model, and what to do."""
    shown = f"no config.json in {printable(str(folder))}"
    if (folder / "adapter_config.json").exists():
        base = files.read_object(folder / "adapter_config.json").get("base_model_name_or_path")
        of = f" of {printable(base, 120)}" if isinstance(base, str) and base else ""
        return (
            f"{shown}: it is a LoRA adapter{of}: merge it into that model (peft's "
            "merge_and_unload) and give the merged folder"
        )
    for one in files.modules(folder):
        inside = files.module_folder(folder, one)
        if _kind(one) == "Transformer" and inside is not None and inside != folder:
            name = printable(inside.name, 40)
            return (
                f"{shown}: it is a sentence-transformers model whose transformer is in {name}, and "
                f"vLLM wants it at the top: move the files of {name} up, beside modules.json"
            )
    return f"{shown}: it is no model's folder"


def _without_its_modules(folder: Path) -> list[str]:
    """Return that a folder is a model's transformer alone, whose other modules lie beside it."""
    if (folder / "modules.json").exists():
        return []
    above = folder.absolute().parent
    beside = [(_kind(one), files.module_folder(above, one)) for one in files.modules(above)]
    own = any(kind == "Transformer" and inside == folder.absolute() for kind, inside in beside)
    others = [inside.name for _, inside in beside if inside not in {None, folder.absolute(), above}]
    if not own or not others:
        return []
    shown = ", ".join(printable(name, 40) for name in others)
    return [
        f"the folder is the transformer alone of the model above it: {shown} lie beside it, and "
        "vLLM takes its default pooling instead"
    ]


def default_prompt(folder: Path) -> str:
    """Return the name of the prompt that the model's own pipeline puts before every text.

    Empty where it puts none.
    """
    config = files.read_object(folder / "config_sentence_transformers.json")
    name, prompts = config.get("default_prompt_name"), config.get("prompts")
    text = prompts.get(name) if isinstance(prompts, dict) and isinstance(name, str) else None
    return str(name) if isinstance(text, str) and text else ""


def similarity(folder: Path) -> str:
    """Return what the model's own pipeline scores by, where cosines order texts otherwise.

    Empty for cosines, and for dot products and Euclidean distances of vectors that a last module
    makes of length one: those order texts alike.
    """
    named = files.read_object(folder / "config_sentence_transformers.json").get(
        "similarity_fn_name"
    )
    shown = _SCORES.get(named) if isinstance(named, str) else None
    kinds = [_kind(one) for one in files.modules(folder)]
    alike = kinds[-1:] == ["Normalize"] and shown != _SCORES["manhattan"]
    return "" if shown is None or alike else shown


def notes(info: ModelInfo) -> list[str]:
    """Return what whoever serves the model has to know before any figure, a line each."""
    said = list(info.differs)
    if info.default_prompt:
        name = printable(info.default_prompt, 40)
        said.append(
            f"the model's own pipeline puts its prompt '{name}' before every text, vLLM does not: "
            f"--prompt {name} puts it"
        )
    if info.similarity:
        said.append(
            f"the model's files score by {info.similarity}: neighbours and limits here are by "
            "cosine"
        )
    if info.pooling_source == FROM_VLLM and info.pooling not in {None, "mean"}:
        said.append(
            f"no file says how the model pools: vLLM takes its default, {info.pooling}, "
            "sentence-transformers the mean"
        )
    return said


def _kind(module: dict[str, object]) -> str:
    named = module.get("type")
    return named.rpartition(".")[2] if isinstance(named, str) else "a module without a type"


def _pooling(kinds: list[str], pooling: str | None, default_pooling: str | None) -> list[str]:
    default = f"its default, {default_pooling}" if default_pooling else "its default"
    if pooling is not None and pooling not in _VLLM_POOLINGS:
        parts = pooling.split("+")
        does = "one of them alone" if len(parts) > 1 and _VLLM_POOLINGS & {*parts} else default
        return [f"the model's files ask for {printable(pooling, 40)} pooling, vLLM pools by {does}"]
    if pooling is None and "Pooling" in kinds:
        return [f"the model's files turn every pooling off, vLLM pools by {default}"]
    return []


def _dense(inside: Path, config: dict[str, object]) -> list[str]:
    """Return what vLLM makes of one Dense layer otherwise."""
    name = printable(inside.name, 40)
    if not any((inside / file).exists() for file in _DENSE_WEIGHTS):
        return [f"{name} has no weights: vLLM leaves that Dense layer out"]
    asked = config.get("activation_function")
    said = []
    if asked is None:
        said.append(f"{name} names no activation: vLLM applies none, the model's own code tanh")
    elif not _is_known(str(asked).lower()):
        shown = printable(str(asked).rpartition(".")[2], 40)
        said.append(f"vLLM does not know {shown}, the activation of {name}: no Dense layer is left")
    if config.get("use_residual"):
        said.append(f"{name} adds its input to its output, vLLM does not")
    if config.get("module_input_name", "sentence_embedding") != "sentence_embedding":
        said.append(f"{name} stands before the pooling, vLLM applies it behind")
    return said


def _is_known(activation: str) -> bool:
    """Say whether vLLM has an activation, whose name is looked up as vLLM does it."""
    known = known_activations()
    if activation.startswith("torch.nn.modules."):
        activation = activation.rpartition(".")[2]
    return not known or activation in {*known, "identity"}


def _order(kinds: list[str], configs: dict[int, dict[str, object]]) -> list[str]:
    """Return that a normalisation comes before what vLLM puts before it."""
    if "Normalize" not in kinds:
        return []
    behind = [at for at in configs if at > kinds.index("Normalize")]
    if not any(_bends(configs[at]) for at in behind):
        return []  # a matrix alone turns a shorter vector as it turns a longer one
    return ["the model's files normalise before a Dense layer, vLLM only at the end"]


def _bends(config: dict[str, object]) -> bool:
    asked = config.get("activation_function")
    linear = isinstance(asked, str) and asked.lower() == _IDENTITY
    return bool(config.get("bias", True)) or not linear
