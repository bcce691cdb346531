"""The host's life: where it can be started, and that nothing outlives the one it works for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from functools import partial
from pathlib import Path

import psutil
import pytest

from embedtui.common.errors import Cancelled, EngineError
from embedtui.engine.forked import ForkedEngine
from embedtui.engine.host_client import SESSION_VARIABLE, HostClient
from embedtui.engine.messages import Job, Load
from embedtui.engine.port import never, silent
from embedtui.engine.settings import Setting
from tests.engine.support import Engines, batches, loaded, with_texts
from tests.waiting import wait_until

pytestmark = pytest.mark.engine


def processes_of(session: str) -> list[psutil.Process]:
    """Return the living processes that have the session in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(SESSION_VARIABLE) == session:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def wait_gone(session: str) -> None:
    wait_until(lambda: not processes_of(session), 60, lambda: processes_of(session))


def test_the_host_imports_nothing_that_reads_batch_invariant_mode_for_all_engines() -> None:
    code = (
        "import sys; from embedtui.engine.vllm_adapter import startup; startup.preload();"
        "sys.exit(startup.FROZEN_AT_IMPORT in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_host_imports_vllm_without_a_torch_thread(engines: Engines) -> None:
    engines.host.wait_ready()
    assert len(psutil.Process(engines.host.pid).threads()) < 10
    maps = psutil.Process(engines.host.pid).memory_maps()
    assert not any("nvidiactl" in m.path or "/dev/nvidia" in m.path for m in maps)


def test_this_process_has_imported_neither_torch_nor_vllm() -> None:
    code = (
        "import sys; from embedtui.engine import pool; from embedtui.run import study;"
        "heavy = {'torch', 'vllm', 'transformers', 'sentence_transformers'} & set(sys.modules);"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_host_started_by_a_thread_that_ends_lives_on(
    minilm: str, passages: tuple[str, ...]
) -> None:
    """Linux ends a process with the thread that started it, if it asked to end with its parent."""
    made: list[Engines] = []

    def start() -> None:
        made.append(Engines())
        made[0].start()

    starter = threading.Thread(target=start)
    starter.start()
    starter.join()
    try:
        made[0].host.wait_ready()
        used: list[int] = []

        def use() -> None:
            engine = loaded(made[0], Setting(minilm, dtype="float32"), passages[:4])
            used.append(len(batches(engine, 4, 2)))

        user = threading.Thread(target=use)
        user.start()
        user.join()
        assert used == [2]
        engine = made[0].warm(Setting(minilm, dtype="float32"))
        assert isinstance(engine, ForkedEngine)
        assert len(batches(engine, 4, 4)) == 1
    finally:
        made[0].close()
    wait_gone(made[0].host.session)


def test_closing_leaves_nothing_and_a_closed_host_says_so(minilm: str) -> None:
    host = HostClient()
    host.start()
    wait_until(lambda: processes_of(host.session))
    host.close()
    wait_gone(host.session)
    with pytest.raises(EngineError):
        host.wait_ready()


def test_closing_while_the_host_is_being_started_leaves_nothing() -> None:
    for _ in range(5):
        host = HostClient()
        host.start()
        host.close()
        wait_gone(host.session)


def test_old_logs_are_removed_whatever_lies_among_them(home: Path) -> None:
    from embedtui.common import paths

    for number in range(30):
        (paths.logs_folder() / f"2020-{number:02d}" / "folder").mkdir(parents=True)
    host = HostClient()
    assert host.logs.is_dir()
    assert len(list(paths.logs_folder().iterdir())) <= 21


def test_what_the_shell_says_of_precision_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    from embedtui.engine.host_environment import SWITCH_VARIABLES, host_environment

    for name in SWITCH_VARIABLES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    environment = host_environment()
    assert not set(SWITCH_VARIABLES) & set(environment)
    assert environment["OMP_WAIT_POLICY"] == "ACTIVE"
    assert environment["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"


def test_waiting_for_the_import_can_be_cancelled() -> None:
    host = HostClient()
    try:
        with pytest.raises(Cancelled):
            host.wait_ready(lambda: True)
    finally:
        host.close()
    wait_gone(host.session)


def test_a_host_that_cannot_import_vllm_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vllm.py").write_text("raise ImportError('planted: no such kernel')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    host = HostClient()
    try:
        with pytest.raises(EngineError, match=r"planted: no such kernel.*doctor"):
            host.wait_ready()
    finally:
        host.close()


def test_a_broken_torchvision_is_survived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, minilm: str, passages: tuple[str, ...]
) -> None:
    """A torchvision for another torch fails at import; transformers would fail with it."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    engines = Engines()
    try:
        engine = loaded(engines, Setting(minilm, dtype="float32"), passages[:2])
        assert len(batches(engine, 2, 2)) == 1
    finally:
        engines.close()


def test_the_death_of_the_host_ends_its_engines_and_is_told(
    minilm: str, passages: tuple[str, ...]
) -> None:
    engines = Engines()
    try:
        engine = loaded(engines, Setting(minilm, dtype="float32"), passages[:4])
        stream = engine.embed([Job(number, (0, 1)) for number in range(10_000)], never)
        next(stream)
        assert engines.host.pid is not None
        os.kill(engines.host.pid, signal.SIGKILL)
        with pytest.raises(EngineError):
            list(stream)
        wait_gone(engines.host.session)
        assert not engine.alive
    finally:
        engines.close()


def _is_stopped(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_STOPPED)


def test_a_host_that_is_stopped_is_told_and_killed_with_its_engines_and_another_comes(
    minilm: str, passages: tuple[str, ...]
) -> None:
    engines = Engines()
    try:
        engine = loaded(engines, Setting(minilm, dtype="float32"), passages[:4])
        assert engines.stopped() == []
        stream = engine.embed([Job(number, (0, 1)) for number in range(10_000)], never)
        next(stream)
        host = psutil.Process(engines.host.pid)
        for process in (psutil.Process(engine.process.pid), host):
            process.suspend()
            wait_until(partial(_is_stopped, process))
        told = engines.stopped()
        assert [one.what for one in told] == ["engine host", "engine"]
        assert [one.pid for one in told] == [host.pid, engine.process.pid]
        engines.kill_current()
        with pytest.raises(Cancelled, match=r"killed.*host did not answer and was killed as well"):
            list(stream)
        wait_gone(engines.host.session)
        again = loaded(engines, Setting(minilm, dtype="float32"), passages[:4])
        assert len(batches(again, 4, 2)) == 2
        assert engines.close() == ""
    finally:
        engines.close()


def test_closing_ends_a_host_that_is_stopped_and_says_so() -> None:
    host = HostClient()
    host.wait_ready()
    psutil.Process(host.pid).suspend()
    assert host.close() == "the engine host did not answer and was killed (SIGKILL)"
    wait_gone(host.session)


OWNER = textwrap.dedent("""
    import sys, threading
    from embedtui.engine.pool import VllmPool
    from embedtui.engine.messages import Job, Load
    from embedtui.engine.settings import Setting

    model, moment = sys.argv[1:]
    engines = VllmPool()
    print(engines.host.session, flush=True)

    def work():
        engines.start()
        if moment == "importing":
            print("now", flush=True)
        engines.host.wait_ready()
        tell, stop = (lambda _: None), (lambda: False)
        engine = engines.spawn(Setting(model, dtype="float32"), 1 << 30, stop).engine
        engine.open(tell, stop)
        engine.prepare(("a text", "another"), "truncate", tell, stop)
        if moment == "loading":
            print("now", flush=True)
        engine.load(Load(2, 4096, 512), tell, stop)
        for n, done in enumerate(engine.embed([Job(i, (0, 1)) for i in range(10**6)], stop)):
            if n == 3 and moment == "embedding":
                print("now", flush=True)

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
""")


@pytest.mark.parametrize("moment", ["importing", "loading", "embedding"])
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM], ids=lambda s: s.name)
def test_no_process_outlives_its_owner(minilm: str, moment: str, signum: int) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, minilm, moment], stdout=subprocess.PIPE, text=True
    )
    try:
        assert owner.stdout is not None
        session = owner.stdout.readline().strip()
        assert owner.stdout.readline().strip() == "now"
        wait_until(lambda: processes_of(session), 60)
        owner.send_signal(signum)
        owner.wait()
        wait_gone(session)
    finally:
        owner.kill()
        owner.wait()
        assert owner.stdout is not None
        owner.stdout.close()


def test_engines_work_under_textual(minilm: str, passages: tuple[str, ...]) -> None:
    """Textual's stand-in for stdout has no file descriptor; nothing here may ask it for one."""
    from textual.app import App, ComposeResult
    from textual.widgets import Label

    class Screen(App[None]):
        found = ""

        def compose(self) -> ComposeResult:
            yield Label("waiting")

        def on_mount(self) -> None:
            self.run_worker(self.work, thread=True)

        def work(self) -> None:
            engines = Engines()
            try:
                engine = loaded(engines, Setting(minilm, dtype="float32"), passages[:8])
                done = batches(engine, 8, 4)
                self.found = str([one.steps for one in done])
            except Exception as error:  # noqa: BLE001 - shown by the assertion
                self.found = repr(error)
            finally:
                engines.close()

    async def drive() -> str:
        app = Screen()
        async with app.run_test() as pilot:
            await app.workers.wait_for_complete()
            await pilot.pause()
        return app.found

    import asyncio

    found = asyncio.run(drive())
    assert found.count("(4, ") == 2, found


def test_idle_engines_make_room_when_memory_is_short(
    engines: Engines, minilm: str, passages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedtui.common import machine

    first = loaded(engines, Setting(minilm, dtype="float32", threads=1), passages[:2])
    engines.leave(first)
    free = iter([0, 1 << 40, 1 << 40])
    monkeypatch.setattr(machine, "free_memory", lambda: next(free))
    oldest = next(setting for setting, state in engines.states() if state == "idle")
    second = engines.begin(Setting(minilm, dtype="float32", threads=2), 1 << 30, never)
    assert oldest not in [setting for setting, _ in engines.states()]
    assert first.alive == (first.setting != oldest)
    assert second.alive
    engines.drop(second)


def test_a_load_can_be_cancelled_at_once(engines: Engines, minilm: str) -> None:
    engine = with_texts(engines, Setting(minilm, dtype="float32", threads=1), ("a text",))
    with pytest.raises(Cancelled):
        engine.load(Load(1, 4096, 512), silent, lambda: True)
    assert not engine.alive
    engines.drop(engine)
