"""A model that is not here is brought here, or it is said in one line why not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import errors

from embedtui.common.errors import InputError
from embedtui.models import fetch, resolve
from tests.models.conftest import MakeModel


class Hub:
    """Stands for the hub: what it lists, what it was asked for, what it raises."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        folder: Path | None,
        files: list[str],
        error: Exception | None = None,
    ) -> None:
        self.asked: dict[str, Any] = {}

        def list_repo_files(_api: Any, repo_id: str, revision: str | None = None) -> list[str]:
            if error is not None:
                raise error
            return files

        def snapshot_download(
            repo_id: str, revision: str | None = None, ignore_patterns: Sequence[str] = ()
        ) -> str:
            self.asked = {"id": repo_id, "revision": revision, "ignored": list(ignore_patterns)}
            return str(folder)

        monkeypatch.setattr(huggingface_hub.HfApi, "list_repo_files", list_repo_files)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)


class NetworkDownError(Exception):
    """What a network library raises has no base in common with anything."""


def answer(kind: type[Exception]) -> Exception:
    """Return an answer of the hub without the HTTP response that its constructor asks for."""
    return kind.__new__(kind)


def test_a_model_is_downloaded_at_its_revision_and_described(
    monkeypatch: pytest.MonkeyPatch, make_model: MakeModel
) -> None:
    folder = make_model("0123abc")
    hub = Hub(monkeypatch, folder, ["config.json", "model.safetensors", "pytorch_model.bin"])
    info = fetch(resolve("org/name@v2"))
    assert (hub.asked["id"], hub.asked["revision"]) == ("org/name", "v2")
    assert "*.bin" in hub.asked["ignored"]
    assert (info.folder, info.ref, info.hub_id) == (folder, "org/name@v2", "org/name")
    assert info.architecture == "BertModel"


def test_older_weights_are_taken_where_there_are_no_others(
    monkeypatch: pytest.MonkeyPatch, make_model: MakeModel
) -> None:
    hub = Hub(monkeypatch, make_model("m"), ["config.json", "pytorch_model.bin"])
    fetch(resolve("org/name"))
    assert "*.bin" not in hub.asked["ignored"]
    assert "onnx/*" in hub.asked["ignored"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (answer(errors.RepositoryNotFoundError), "no such model"),
        (answer(errors.GatedRepoError), "gated"),
        (answer(errors.RevisionNotFoundError), "no such revision"),
        (errors.OfflineModeIsEnabled("offline"), "the hub cannot be reached"),
        (NetworkDownError("Name or service not known"), "the hub cannot be reached"),
        (TimeoutError(), "the hub cannot be reached"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_the_hub_does_not_give_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    Hub(monkeypatch, None, [], error)
    with pytest.raises(InputError, match=words) as caught:
        fetch(resolve("org/name"))
    assert "\n" not in str(caught.value)
    assert "org/name" in str(caught.value)
