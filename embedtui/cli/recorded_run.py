"""One study from begin to end for a command: recorded, shown as it goes, ended by signals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from embedtui.cli import output
from embedtui.cli.progress import Display, Silence, display_for
from embedtui.common.errors import Cancelled, EmbedtuiError, ExitCode
from embedtui.common.printable import printable
from embedtui.engine.access import Access
from embedtui.engine.pool import VllmPool
from embedtui.engine.port import EnginePool
from embedtui.plan.plan import Plan
from embedtui.results.results import Results
from embedtui.run.ending import EndRequests, LeftBehind, end_requests, wait_for_end
from embedtui.run.heartbeat import Heartbeat
from embedtui.run.study import Study
from embedtui.storage.run_writer import Recorder


@dataclass(frozen=True)
class Measured:
    """What a study came to."""

    results: Results
    path: Path | None
    """The run file; None where nothing was measured and so none was kept."""
    failure: EmbedtuiError | None
    """What ended it, or the first setting's failure."""

    def ended(self) -> ExitCode:
        """Return the exit code of a run that came to its end; raise why one did not."""
        if self.results.status == "cancelled":
            kept = "what was measured until then is in the run file"
            raise Cancelled(
                f"{self.results.reason}; {kept if self.path else 'nothing was measured'}"
            )
        if self.results.status == "failed" and self.failure is not None:
            raise self.failure
        return ExitCode.DONE

    def print_path(self) -> None:
        """Say on standard error where the run file is, if there is one."""
        if self.path is not None:
            output.err().print(f"Run file: {printable(str(self.path))}", soft_wrap=True)


@contextmanager
def started_engines(
    access: Access | None = None, *, importing: bool = True
) -> Iterator[EnginePool]:
    """Begin to import vLLM in the background; end every engine at the end.

    Where all that is measured is a server there is nothing to import.
    """
    engines: EnginePool = VllmPool()
    if access is not None:
        engines.access = access
    if importing:
        engines.start()
    try:
        yield engines
    finally:
        if told := engines.close():
            output.err().print(f"embedtui: {told}", soft_wrap=True)


def needs_vllm(plan: Plan) -> bool:
    """Say whether a plan needs engines of this machine, or the float64 reference."""
    return plan.reference or not all(setting.is_server for setting in plan.settings)


def measure(
    plan: Plan,
    weights_bytes: int | None,
    engines: EnginePool,
    path: Path | None,
    *,
    quiet: bool,
    earlier: Sequence[Results] = (),
    go_on: bool = False,
) -> Measured:
    """Run a plan and record it at `path`, which holds a part of it already if it is to `go_on`.

    Without a path it is recorded under a new name in the data folder.
    """
    console = output.err()
    say = partial(console.print, soft_wrap=True)
    heartbeat = Heartbeat(engines, "Ctrl+C twice ends the run")
    results = Results()
    with end_requests() as asked, ExitStack() as closing:
        recorder = Recorder.in_runs_folder(plan) if path is None else Recorder(path, go_on=go_on)
        if not go_on:
            closing.callback(_remove_unmeasured, results, recorder.path)
        closing.callback(recorder.close)
        display: Display = Silence() if quiet else display_for(results, console)
        closing.callback(display.close)
        study = Study(
            plan,
            engines,
            [recorder, results, display],
            weights_bytes=weights_bytes,
            earlier=earlier,
        )
        try:
            failure = _run_to_the_end(study, asked, say, heartbeat.beat)
        except LeftBehind as error:
            closing.pop_all()  # whatever holds the run up may hold its file as well
            display.close()
            raise Cancelled(f"{error}; what was measured is in {recorder.path}") from error
    kept = recorder.path if recorder.path.exists() else None
    return Measured(results, kept, failure or next(iter(study.failures), None))


def _remove_unmeasured(results: Results, path: Path) -> None:
    """Make the name of a run free again that measured nothing."""
    if not any(setting.unbatched.count for setting in results.settings):
        path.unlink(missing_ok=True)


def _run_to_the_end(
    study: Study, asked: EndRequests, say: Callable[[str], None], beat: Callable[[], str]
) -> EmbedtuiError | None:
    """Run the study in a thread while this one listens to signals; return what it raised.

    The first Ctrl+C lets the batch in hand come back, the second kills the engine.

    Raises:
        LeftBehind: if it does not end even then.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            study.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            raised.append(error)

    worker = threading.Thread(target=work, name="study", daemon=True)
    worker.start()

    def over(seconds: float) -> bool:
        worker.join(seconds)
        return not worker.is_alive()

    wait_for_end(study, over, asked, say, beat)
    if not raised:
        return None
    if isinstance(raised[0], EmbedtuiError):
        return raised[0]
    raise raised[0]
