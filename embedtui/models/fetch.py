"""Models from the Hugging Face hub, brought into its local cache before an engine starts.

Only here is the network asked. An engine is always given a folder: its revision is certain, its
weights can be hashed, and waiting for a download does not look like a hung engine.
"""

from __future__ import annotations

from pathlib import Path

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.models.describe import describe
from embedtui.models.info import ModelInfo

_NEVER = ("onnx/*", "openvino/*", "*.onnx", "*.h5", "*.msgpack", "*.ot", "*.tflite", "*.gguf")
_INSTEAD_OF_SAFETENSORS = ("*.bin", "*.pt", "*.pth")


def fetch(info: ModelInfo) -> ModelInfo:
    """Download what is missing of a model and return it with its folder.

    Raises:
        InputError: if the hub does not have it, does not give it, or cannot be reached.
    """
    import huggingface_hub  # noqa: PLC0415 - slow to import, and seldom needed
    from huggingface_hub import errors  # noqa: PLC0415

    huggingface_hub.logging.set_verbosity_error()  # a line per retry tells the user nothing
    assert info.hub_id is not None, "a model that is not on this machine has a hub id"
    shown = f'"{printable(info.ref, 200)}"'
    try:
        files = huggingface_hub.HfApi().list_repo_files(info.hub_id, revision=info.revision)
        safe = any(name.endswith(".safetensors") for name in files)
        snapshot = huggingface_hub.snapshot_download(
            info.hub_id,
            revision=info.revision,
            ignore_patterns=[*_NEVER, *(_INSTEAD_OF_SAFETENSORS if safe else ())],
        )
    except errors.GatedRepoError as error:
        raise InputError(
            f"{shown} is gated: accept its terms on the hub, then run `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise InputError(f"{shown}: the hub has no such revision; give another or none") from error
    except errors.RepositoryNotFoundError as error:
        raise InputError(
            f"{shown}: the hub has no such model, or it is private (`hf auth login`); "
            "give another id or a folder"
        ) from error
    except Exception as error:  # each network library has exceptions of its own
        raise InputError(
            f"{shown} is not on this machine and the hub cannot be reached "
            f"({type(error).__name__}); give a folder"
        ) from error
    folder = Path(snapshot)
    return describe(folder, ref=info.ref, hub_id=info.hub_id, revision=folder.name)
