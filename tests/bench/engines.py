"""What embedtui costs beside vLLM alone, and what its warm host saves."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from embedtui import models
from embedtui.engine.pool import VllmPool
from embedtui.engine.settings import Setting
from embedtui.plan.plan import Plan
from embedtui.results.events import BatchEmbedded, EngineReady, Event, SettingEnded, TextsPrepared
from embedtui.results.progress import Progress
from embedtui.results.results import Results
from embedtui.run.study import Study
from embedtui.storage.run_writer import Recorder
from embedtui.texts import TextPack, load_texts

ROUNDS = 5
TURNS = 3
BATCH = 64
DTYPE = "float32"


def throughput() -> None:
    """Compare a study's texts per second with a bare `llm.embed` loop at the same batch size.

    The study records into a run file and adds up results as it always does; both processes stand
    side by side and take turns, so that a slow moment of the machine strikes both. embedtui
    tokenizes before its clock starts, so the bare loop is also given token ids.
    """
    pack = load_texts("passages", limit=256)
    model = str(models.resolve("minilm").folder)
    print(f"texts/s, {DTYPE}, {len(pack)} passages, {ROUNDS} rounds")
    for batch in (BATCH, 256):
        with tempfile.TemporaryDirectory() as folder:
            texts_file = Path(folder) / "texts.json"
            texts_file.write_text(json.dumps([text.text for text in pack.texts]))
            bare = _Bare(model, texts_file, sizes=(batch,))
            engines = VllmPool()
            try:
                ours, theirs, ready_made = [], [], []
                plan = _plan(model, pack, {"dtype": DTYPE}, sizes=(batch,))
                _study_seconds(plan, engines, Path(folder) / "warm-up.sqlite")
                bare.seconds()
                bare.seconds("ids")
                for number in range(ROUNDS):
                    theirs.append(len(pack) / bare.seconds())
                    ready_made.append(len(pack) / bare.seconds("ids"))
                    run_file = Path(folder) / f"{number}.sqlite"
                    ours.append(len(pack) / _study_seconds(plan, engines, run_file))
            finally:
                engines.close()
                bare.close()
        print(f"  batch size {batch}")
        print(f"    inside embedtui      {statistics.median(ours):8.1f}")
        for others, said in ((theirs, "of texts"), (ready_made, "of ids")):
            ratios = [mine / other for mine, other in zip(ours, others, strict=True)]
            print(
                f"    bare llm.embed loop  {statistics.median(others):8.1f}   {said}; "
                f"ratio {statistics.median(ratios):.2f} (wanted: at least 0.95)"
            )


def what_if() -> None:
    """Compare the time from asking for another dtype to its first drift figure.

    A fresh script imports vLLM anew; embedtui forks from a host that has imported it.
    """
    pack = load_texts("passages", limit=BATCH)
    model = str(models.resolve("minilm").folder)
    with tempfile.TemporaryDirectory() as folder:
        texts_file = Path(folder) / "texts.json"
        texts_file.write_text(json.dumps([text.text for text in pack.texts[:2]]))
        engines = VllmPool()
        try:
            engines.wait_ready()
            ours, theirs = [], []
            for number, dtype in enumerate(("bfloat16", "float32")):
                began = time.perf_counter()
                bare = _Bare(model, texts_file, dtype, (1, 2))
                bare.seconds()
                theirs.append(time.perf_counter() - began)
                bare.close()
                plan = _plan(model, pack, {"dtype": dtype}, sizes=(1, 2))
                ours.append(_first_drift(plan, engines, Path(folder) / f"{number}.sqlite"))
        finally:
            engines.close()
    print("seconds from another dtype to its first drift figure")
    print(f"  fresh script         {statistics.median(theirs):8.2f}")
    print(f"  inside embedtui      {statistics.median(ours):8.2f}")
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"  times faster         {ratio:8.1f}   (wanted: at least 3.5 on a GPU)")


def side_by_side() -> None:
    """Compare three settings with one: from asking to the first drift figure of the last."""
    pack = load_texts("passages", limit=16)
    model = str(models.resolve("minilm").folder)
    seconds: dict[int, list[float]] = {1: [], 3: []}
    loaded: dict[int, list[float]] = {1: [], 3: []}
    dtypes = ("bfloat16", "float16", "float32")
    with tempfile.TemporaryDirectory() as folder:
        engines = VllmPool()
        try:
            engines.wait_ready()
            for many in (1, 3) * (1 + TURNS):
                settings = [{"dtype": dtype} for dtype in dtypes[:many]]
                plan = _plan(model, pack, *settings, sizes=(1, 2))
                run_file = Path(folder) / f"{many}-{time.monotonic_ns()}.sqlite"
                loading, first = _first_figures(plan, engines, run_file)
                loaded[many].append(loading)
                seconds[many].append(first)
                for setting in plan.settings:
                    lease = engines.get(setting)
                    if lease is not None:
                        lease.discard()
        finally:
            engines.close()
    print("seconds from asking to a drift figure of every setting, minilm")
    for many, word in ((1, "one setting"), (3, "three")):
        # The first time, files come from the disk and kernels are compiled.
        again, loading = (statistics.median(one[many][1:]) for one in (seconds, loaded))
        print(
            f"  {word:<20} {again:8.2f}   of it loading: {loading:.2f}; "
            f"the first time {seconds[many][0]:.2f}"
        )
    ratios = [three / one for one, three in zip(seconds[1][1:], seconds[3][1:], strict=True)]
    print(
        f"  times as long        {statistics.median(ratios):8.2f}   (wanted: at most 1.5 on a GPU)"
    )


def sweep() -> None:
    """Compare a sweep with a fresh script for each of its settings: the same batches in all."""
    pack = load_texts("passages", limit=BATCH)
    model = str(models.resolve("minilm").folder)
    sizes = (1, 8, BATCH)
    settings = [
        {"dtype": "bfloat16"},
        {"dtype": "float16"},
        {"dtype": "float32"},
        {"dtype": "float32", "matmul_precision": "high"},
    ]
    with tempfile.TemporaryDirectory() as folder:
        texts_file = Path(folder) / "texts.json"
        texts_file.write_text(json.dumps([text.text for text in pack.texts]))
        began = time.perf_counter()
        for setting in settings:
            bare = _Bare(
                model, texts_file, setting["dtype"], sizes, setting.get("matmul_precision", "")
            )
            bare.seconds()
            bare.close()
        theirs = time.perf_counter() - began
        began = time.perf_counter()
        engines = VllmPool()
        try:
            plan = _plan(model, pack, *settings, sizes=sizes)
            _study_seconds(plan, engines, Path(folder) / "run.sqlite")
        finally:
            engines.close()
        ours = time.perf_counter() - began
    print(f"seconds for {len(settings)} settings x {len(sizes)} batch sizes, {len(pack)} passages")
    print(f"  a script each        {theirs:8.1f}")
    print(f"  one sweep            {ours:8.1f}")
    print(f"  times faster         {theirs / ours:8.1f}   (wanted: at least 2.5 on a GPU)")


def _plan(model: str, pack: TextPack, *settings: dict[str, Any], sizes: tuple[int, ...]) -> Plan:
    made = tuple(Setting(model, **setting) for setting in settings)
    return Plan("minilm", "minilm", None, made, sizes, pack, reference=False, repeats=0)


class _Bare:
    def __init__(
        self,
        model: str,
        texts: Path,
        dtype: str = DTYPE,
        sizes: tuple[int, ...] = (BATCH,),
        matmul_precision: str = "",
    ) -> None:
        command = [
            sys.executable, "-m", "tests.bench.bare", model, dtype, str(texts),
            ",".join(map(str, sizes)),
        ]  # fmt: skip
        precision = {"VLLM_FLOAT32_MATMUL_PRECISION": matmul_precision} if matmul_precision else {}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=os.environ | precision,
        )  # fmt: skip
        self._answer()

    def seconds(self, what: str = "texts") -> float:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the bare vLLM process ended")
        return line.strip()


def _study_seconds(plan: Plan, engines: VllmPool, run_file: Path) -> float:
    moments: dict[type, float] = {}

    def watch(event: Event) -> None:
        moments[type(event)] = time.perf_counter()

    recorder = Recorder(run_file)
    Study(plan, engines, [recorder, Results(), Progress(), watch]).run()
    recorder.close()
    return moments[SettingEnded] - moments[TextsPrepared]


def _first_drift(plan: Plan, engines: VllmPool, run_file: Path) -> float:
    """Return the seconds until every setting has a first drift figure."""
    return _first_figures(plan, engines, run_file)[1]


def _first_figures(plan: Plan, engines: VllmPool, run_file: Path) -> tuple[float, float]:
    """Return the seconds until the first engine is loaded and every setting has a drift figure."""
    began = time.perf_counter()
    seen: dict[int, float] = {}
    loaded: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, EngineReady):
            loaded.append(time.perf_counter() - began)
        if isinstance(event, BatchEmbedded) and event.batch_size > 1:
            seen.setdefault(event.setting, time.perf_counter() - began)

    recorder = Recorder(run_file)
    Study(plan, engines, [recorder, Results(), watch]).run()
    recorder.close()
    return loaded[0], max(seen.values())
