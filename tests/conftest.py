"""No test touches the folders of the person who runs it, nor the network."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedtui.common import machine
from tests.fakes import make_model

os.environ["HF_HUB_OFFLINE"] = "1"  # read when huggingface_hub is imported, so before any fixture

_version = functools.cache(machine.version)  # looking a package up takes milliseconds
XDG = ("DATA", "CACHE", "STATE", "CONFIG")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, one of them has all the real engines.

    An engine computes on every core: two at once would wait for each other.
    """
    for item in items:
        if item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.xdist_group("engine"))


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give fixtures of wider scope a home too, and vLLM one cache for all tests."""
    home = tmp_path_factory.mktemp("session-home")
    with pytest.MonkeyPatch.context() as patch:
        for name in XDG:
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        patch.setenv("VLLM_CACHE_ROOT", str(home / "vllm"))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a home of its own: run files, caches and logs go there."""
    folder = tmp_path_factory.mktemp("home")
    for name in XDG:
        monkeypatch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
    return folder


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the machine say that vLLM computes on a roomy CPU, whatever it is."""
    monkeypatch.setattr(machine, "engine_device", lambda: "cpu")
    monkeypatch.setattr(machine, "free_memory", lambda: 1 << 40)
    monkeypatch.setattr(machine, "version", _version)


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """Return a folder that is a model as far as can be seen without loading it."""
    return make_model(tmp_path / "tiny-bert")
