"""What embedtui costs beside vLLM alone, and what its warm host saves."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from embedtui import models
from embedtui.engine.client import Engines
from embedtui.engine.settings import Setting
from embedtui.record.run_file import Recorder
from embedtui.study.events import BatchEmbedded, Event, SettingEnded, TextsPrepared
from embedtui.study.plan import Plan
from embedtui.study.progress import Progress
from embedtui.study.results import Results
from embedtui.study.study import Study
from embedtui.texts import load_texts

ROUNDS = 5
BATCH = 64
DTYPE = "float32"


def throughput() -> None:
    """Compare a study's texts per second with a bare `llm.embed` loop at the same batch size.

    The study records into a run file and adds up results as it always does; both processes stand
    side by side and take turns, so that a slow moment of the machine strikes both.
    """
    pack = load_texts("passages", limit=256)
    model = str(models.resolve("minilm").folder)
    with tempfile.TemporaryDirectory() as folder:
        texts_file = Path(folder) / "texts.json"
        texts_file.write_text(json.dumps([text.text for text in pack.texts]))
        bare = _Bare(model, texts_file)
        engines = Engines()
        try:
            ours, theirs = [], []
            plan = Plan("minilm", "minilm", None, (Setting(model, dtype=DTYPE),), (BATCH,), pack,
                        truth=False, repeats=0)  # fmt: skip
            _study_seconds(plan, engines, Path(folder) / "warm-up.sqlite")
            bare.seconds()
            for number in range(ROUNDS):
                theirs.append(len(pack) / bare.seconds())
                run_file = Path(folder) / f"{number}.sqlite"
                ours.append(len(pack) / _study_seconds(plan, engines, run_file))
        finally:
            engines.close()
            bare.close()
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    print(f"texts/s at batch size {BATCH}, {DTYPE}, {len(pack)} passages, {ROUNDS} rounds")
    print(f"  bare llm.embed loop  {statistics.median(theirs):8.1f}")
    print(f"  inside embedtui      {statistics.median(ours):8.1f}")
    print(f"  ratio                {statistics.median(ratios):8.2f}   (wanted: at least 0.95)")


def what_if() -> None:
    """Compare the time from asking for another dtype to its first drift figure.

    A fresh script imports vLLM anew; embedtui forks from a host that has imported it.
    """
    pack = load_texts("passages", limit=BATCH)
    model = str(models.resolve("minilm").folder)
    with tempfile.TemporaryDirectory() as folder:
        texts_file = Path(folder) / "texts.json"
        texts_file.write_text(json.dumps([text.text for text in pack.texts[:2]]))
        engines = Engines()
        try:
            engines.host.wait_ready()
            ours, theirs = [], []
            for number, dtype in enumerate(("bfloat16", "float32")):
                began = time.perf_counter()
                bare = _Bare(model, texts_file, dtype, batch=1)
                bare.seconds()
                theirs.append(time.perf_counter() - began)
                bare.close()
                plan = Plan("minilm", "minilm", None, (Setting(model, dtype=dtype),), (1, 2), pack,
                            truth=False, repeats=0)  # fmt: skip
                ours.append(_first_drift(plan, engines, Path(folder) / f"{number}.sqlite"))
        finally:
            engines.close()
    print("seconds from another dtype to its first drift figure")
    print(f"  fresh script         {statistics.median(theirs):8.2f}")
    print(f"  inside embedtui      {statistics.median(ours):8.2f}")
    ratio = statistics.median(theirs) / statistics.median(ours)
    print(f"  times faster         {ratio:8.1f}")


class _Bare:
    def __init__(self, model: str, texts: Path, dtype: str = DTYPE, batch: int = BATCH) -> None:
        command = [sys.executable, "-m", "tests.bench.bare", model, dtype, str(texts), str(batch)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True,
        )  # fmt: skip
        self._answer()

    def seconds(self) -> float:
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> str:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the bare vLLM process ended")
        return line.strip()


def _study_seconds(plan: Plan, engines: Engines, run_file: Path) -> float:
    moments: dict[type, float] = {}

    def watch(event: Event) -> None:
        moments[type(event)] = time.perf_counter()

    recorder = Recorder(run_file)
    Study(plan, engines, [recorder, Results(), Progress(), watch]).run()
    recorder.close()
    return moments[SettingEnded] - moments[TextsPrepared]


def _first_drift(plan: Plan, engines: Engines, run_file: Path) -> float:
    began = time.perf_counter()
    seen: list[float] = []

    def watch(event: Event) -> None:
        if isinstance(event, BatchEmbedded) and event.batch_size > 1 and not seen:
            seen.append(time.perf_counter() - began)

    recorder = Recorder(run_file)
    Study(plan, engines, [recorder, Results(), watch]).run()
    recorder.close()
    return seen[0]
