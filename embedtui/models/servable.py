"""Whether the installed vLLM turns an architecture into embeddings, told without importing it.

Importing vLLM takes seconds and its own check of a new architecture ten more; its registry is a
file of literal tables, which parse in milliseconds. What the tables cannot settle is "unknown":
vLLM has the last word when it loads the model.
"""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from embedtui.common.printable import printable
from embedtui.models.info import Embeds

_Table: TypeAlias = dict[str, tuple[str, str]]
"""Architecture -> the module and the class that vLLM runs it with."""

_EMBEDDING = "_EMBEDDING_MODELS"
_GENERATION = "_TEXT_GENERATION_MODELS"
_REFUSALS = {
    "_LATE_INTERACTION_MODELS": "gives one vector per token (late interaction), not one per text",
    "_TOKEN_CLASSIFICATION_MODELS": "is a token classifier: it gives labels, not embeddings",
    "_SEQUENCE_CLASSIFICATION_MODELS": "is a classifier: it gives scores, not embeddings",
    "_REWARD_MODELS": "is a reward model: it gives scores, not embeddings",
    "_MULTIMODAL_MODELS": "is a multimodal model, and embedtui sends text alone",
}
_CLASSIFIERS = (
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForAudioClassification",
    "ForImageClassification",
    "ForVideoClassification",
    "ClassificationModel",
)
"""Suffixes that vLLM takes for a classifier, listed or not."""
_REFUSED = {"MPNetModel"}
"""Unlisted, and their Transformers classes cannot run in vLLM's Transformers backend."""
_IMAGES_ALONE = {"Terratorch"}
_DEEPEST_BASE = 8


@dataclass(frozen=True)
class Verdict:
    """What vLLM would do with an architecture."""

    embeds: Embeds
    reason: str
    pooling: str | None = None
    """vLLM's default pooling for it: cls, last or mean; None where that is not known."""


@dataclass(frozen=True)
class _Registry:
    root: Path
    tables: dict[str, _Table]

    def table(self, name: str) -> _Table:
        return self.tables.get(name, {})


def servable(
    architecture: str | None, model_type: str | None, pooling: str | None = None
) -> Verdict:
    """Tell whether vLLM gives one vector per text for an architecture, and how it pools.

    Without an architecture the base model of `model_type` is taken, as vLLM does. `pooling` is
    what the model itself asks for: it only words the reason.
    """
    root = _vllm_folder()
    if root is None:
        return Verdict(
            "unknown",
            "vLLM is not installed: pip install 'embedtui[cpu]' or 'embedtui[gpu]'",
        )
    registry = _read_registry(root)
    if registry is None:
        return Verdict(
            "unknown", "the installed vLLM's list of models cannot be read; vLLM will tell"
        )
    name = architecture or _of_model_type(registry, model_type)
    if name is None:
        what = "" if model_type is None else f" and vLLM lists none for {printable(model_type, 60)}"
        return Verdict("unknown", f"config.json names no architecture{what}; vLLM will tell")
    return _judge(registry, name, pooling)


def known_activations() -> frozenset[str]:
    """Return the names of the activations that the installed vLLM has; none where it is not here.

    Names are in lower case, as vLLM compares them.
    """
    root = _vllm_folder()
    tree = None if root is None else _parsed(root / "model_executor" / "layers" / "activation.py")
    for node in () if tree is None else tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "_ACTIVATION_REGISTRY"
            for target in node.targets
        ):
            return frozenset(
                key.value
                for part in ast.walk(node.value)
                if isinstance(part, ast.Dict)
                for key in part.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )
    return frozenset()


def _judge(registry: _Registry, name: str, pooling: str | None) -> Verdict:
    shown = printable(name, 60)
    refusal = _refusal(registry, name)
    if refusal is not None:
        return Verdict("no", f"{shown} {refusal}")
    embedders, generators = registry.table(_EMBEDDING), registry.table(_GENERATION)
    if name in embedders and name not in generators:
        return Verdict(
            "yes", "an embedding model", _default_pooling(registry.root, *embedders[name])
        )
    if name in generators or _generator_behind(name) in generators:
        how = "the last token" if pooling in {None, "last"} else "as the model's files say"
        return Verdict("yes", f"a text generator; vLLM converts it, pooling {how}", "last")
    return Verdict(
        "unknown",
        f"vLLM does not list {shown}, but may run it through Transformers; it will tell",
    )


def _refusal(registry: _Registry, name: str) -> str | None:
    """Return why an architecture gives no embeddings of texts, worded to follow its name."""
    for table, why in _REFUSALS.items():
        if name in registry.table(table):
            return why
    embedders = registry.table(_EMBEDDING)
    if name in embedders:
        if embedders[name][1].endswith("ForMaskedLM"):
            return "gives vocabulary scores for every token in vLLM, not embeddings"
        return "embeds images, and embedtui sends text" if name in _IMAGES_ALONE else None
    if name.endswith(_CLASSIFIERS):
        return "is a classifier: it gives scores, not embeddings"
    return "is not supported by vLLM" if name in _REFUSED else None


def _generator_behind(name: str) -> str:
    """Return the generator whose decoder is called `name`: vLLM looks it up in the same way."""
    return name.removesuffix("Model") + "ForCausalLM" if name.endswith("Model") else ""


def _of_model_type(registry: _Registry, model_type: str | None) -> str | None:
    if model_type is None:
        return None
    plain = model_type.replace("-", "").replace("_", "").lower()
    known = [*registry.table(_EMBEDDING), *_REFUSED, *registry.table(_GENERATION)]
    by_lower = {name.lower(): name for name in reversed(known)}
    return by_lower.get(f"{plain}model") or by_lower.get(f"{plain}forcausallm")


def _vllm_folder() -> Path | None:
    try:
        # find_spec imports only the parents of a dotted name, and this one has none.
        spec = importlib.util.find_spec("vllm")
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=4)
def _read_registry(root: Path) -> _Registry | None:
    tree = _parsed(root / "model_executor" / "models" / "registry.py")
    if tree is None:
        return None
    tables: dict[str, _Table] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        if isinstance(value, ast.Dict):
            for target in targets:
                if isinstance(target, ast.Name):
                    tables[target.id] = _literal(value, tables)
    return _Registry(root, tables) if tables.get(_EMBEDDING) else None


def _literal(node: ast.Dict, tables: dict[str, _Table]) -> _Table:
    found: _Table = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            found.update(_unpacked(value, tables))
        elif isinstance(key, ast.Constant) and isinstance(key.value, str):
            pair = [e.value for e in getattr(value, "elts", ()) if isinstance(e, ast.Constant)]
            module, cls = pair if len(pair) == 2 else ("", "")
            found[key.value] = (str(module), str(cls))
    return found


def _unpacked(node: ast.expr, tables: dict[str, _Table]) -> _Table:
    """Evaluate `**TABLE` and `**{… for … in TABLE.items() if class == "…"}`, nothing else."""
    if isinstance(node, ast.Name):
        return tables.get(node.id, {})
    if isinstance(node, ast.Dict):
        return _literal(node, tables)
    if not isinstance(node, ast.DictComp):
        return {}
    source = next((n.id for n in ast.walk(node.generators[0].iter) if isinstance(n, ast.Name)), "")
    wanted = {
        c.value
        for test in node.generators[0].ifs
        for c in ast.walk(test)
        if isinstance(c, ast.Constant) and isinstance(c.value, str)
    }
    return {name: entry for name, entry in tables.get(source, {}).items() if entry[1] in wanted}


def _default_pooling(root: Path, module: str, cls: str) -> str | None:
    path = _module_path(root, module)
    if not cls or _parsed(path) is None:
        return None
    return _decorated_pooling(root, path, cls, _DEEPEST_BASE) or "last"


def _decorated_pooling(root: Path, path: Path, cls: str, depth: int) -> str | None:
    """Return what @default_pooling_type says on a class or the nearest base that has one."""
    tree = _parsed(path)
    if tree is None or depth == 0:
        return None
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            if any((alias.asname or alias.name) == cls for alias in node.names):
                module = node.module
                if node.level == 0 and not module.startswith("vllm."):
                    return None
                return _decorated_pooling(root, _module_path(root, module), cls, depth - 1)
        elif isinstance(node, ast.ClassDef) and node.name == cls:
            own = _stated(node)
            if own is not None:
                return own
            for base in node.bases:
                if isinstance(base, ast.Name):
                    inherited = _decorated_pooling(root, path, base.id, depth - 1)
                    if inherited is not None:
                        return inherited
    return None


def _stated(node: ast.ClassDef) -> str | None:
    for decorator in node.decorator_list:
        if (
            isinstance(decorator, ast.Call)
            and isinstance(decorator.func, ast.Name)
            and decorator.func.id == "default_pooling_type"
        ):
            for keyword in decorator.keywords:
                if keyword.arg == "seq_pooling_type" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value).lower()
            return "last"
    return None


def _module_path(root: Path, module: str) -> Path:
    if module.startswith("vllm."):
        base = root.joinpath(*module.split(".")[1:])
    else:
        base = root.joinpath("model_executor", "models", *module.split("."))
    single = base.with_name(f"{base.name}.py")
    return single if single.is_file() else base / "__init__.py"


@lru_cache(maxsize=16)
def _parsed(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
