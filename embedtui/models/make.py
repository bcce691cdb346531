"""Models of any shape with random weights: their names, which say all of it, and their making."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from embedtui.common import paths
from embedtui.common.errors import EngineError, InputError
from embedtui.common.printable import printable
from embedtui.models.describe import describe
from embedtui.models.info import ModelInfo
from embedtui.models.shape import Shape

ARCHITECTURES = ("bert", "xlm-roberta", "modernbert", "qwen3", "mistral", "gemma3")
POOLINGS = ("mean", "cls", "last")
POSITIONS = range(16, 131_073)
LAYERS = range(1, 201)
WIDTHS = range(32, 16_385)
_POSITIONS, _SEED = 512, 7
_NAME = re.compile(
    rf"random-(?P<arch>{'|'.join(ARCHITECTURES)})-(?P<layers>\d{{1,3}})x(?P<width>\d{{2,5}})"
    rf"(-(?P<pooling>{'|'.join(POOLINGS)}))?(-(?P<positions>\d{{2,6}}))?(-seed(?P<seed>\d{{1,9}}))?",
    re.ASCII,
)


def usual_pooling(arch: str) -> str:
    """Return how published models of an architecture pool."""
    return "last" if arch in {"qwen3", "mistral"} else "mean"


def made_name(shape: Shape) -> str:
    """Return the name of a shape; `shape_of` reads it."""
    name = f"random-{shape.arch}-{shape.layers}x{shape.width}"
    name += "" if shape.pooling == usual_pooling(shape.arch) else f"-{shape.pooling}"
    name += "" if shape.positions == _POSITIONS else f"-{shape.positions}"
    return name + ("" if shape.seed == _SEED else f"-seed{shape.seed}")


def has_random_name(name: str) -> bool:
    """Say whether a model is called, or lies in a folder that is called, as `make` names one.

    Servers and run files tell a name, and no more, of the weights behind it.
    """
    return _NAME.fullmatch(name.rstrip("/").rpartition("/")[2]) is not None


def shape_of(name: str) -> Shape | None:
    """Return the shape that a name tells, without folder and tokenizer; None for other names.

    Raises:
        InputError: if there can be no model of that shape.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    arch = match["arch"]
    shape = Shape(
        folder="",
        tokenizer="",
        arch=arch,
        layers=int(match["layers"]),
        width=int(match["width"]),
        pooling=match["pooling"] or usual_pooling(arch),
        seed=int(match["seed"] or _SEED),
        positions=int(match["positions"] or _POSITIONS),
    )
    check(shape)
    if shape.layers not in LAYERS or shape.width not in WIDTHS or shape.positions not in POSITIONS:
        raise InputError(f"{name}: there can be no model of that shape")
    return shape


def check(shape: Shape) -> None:
    """Raise `InputError` where the width cannot be shared out to heads."""
    if shape.width % 64 and shape.width != 32:
        raise InputError(
            f"width {shape.width} cannot be shared out to heads: give a multiple of 64"
        )


def make(shape: Shape, tokenizer: ModelInfo, folder: Path | None = None) -> ModelInfo:
    """Write a model of a shape into `folder`, or where its name finds it, and describe it.

    Weights are drawn from the seed, so the same shape is the same model.

    Raises:
        InputError: if the folder exists or cannot be written, or the tokenizer is not here.
        EngineError: if the making fails.
    """
    check(shape)
    if tokenizer.folder is None or not tokenizer.has_tokenizer:
        raise InputError(
            f"the tokenizer of {printable(tokenizer.ref)} is not here: name a model that is"
        )
    name = made_name(shape)
    place = folder or paths.models_folder() / name
    if place.exists():
        raise InputError(f"{printable(str(place))} exists: remove it, or give another folder")
    _write(place, asdict(shape) | {"tokenizer": str(tokenizer.folder)})
    return describe(place, ref=str(folder) if folder else name)


def _write(folder: Path, request: dict[str, object]) -> None:
    """Write the model beside its place first: what was cut off must not look like a model."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        said = printable(str(folder.parent))
        raise InputError(f"{said} cannot be written: {error.strerror}") from error
    try:
        # A process of its own, because it needs torch.
        asked = json.dumps(request | {"folder": str(beside)})
        command = [sys.executable, "-P", "-m", "embedtui.engine.random_model", asked]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise EngineError(f"the model could not be made: {printable(last, 200)}")
        beside.chmod(0o755)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
