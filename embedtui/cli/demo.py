"""`embedtui demo`: a recording, a selected setting and three sentences, to show to a team."""

from __future__ import annotations

from collections.abc import Iterable

import click
from rich.padding import Padding
from rich.text import Text

from embedtui.cli import output, overview
from embedtui.cli.group import Command
from embedtui.cli.parameter_types import Name
from embedtui.cli.search_progress import with_search_progress
from embedtui.cli.shared_options import Asked
from embedtui.common.errors import ExitCode
from embedtui.common.printable import printable
from embedtui.plan.scenarios import scenario
from embedtui.storage import library, run_file


class _StoryName(Name):
    """A story."""

    def known(self) -> Iterable[str]:
        """Return the stories that there are."""
        from embedtui.report.stories import STORIES  # noqa: PLC0415 - when a shell asks

        return list(STORIES)


@click.command(
    "demo",
    cls=Command,
    epilog="\b\nStories:\n"
    "  tf32         float32 is TF32 until the kernel is told so\n"
    "  pooling      drift that grows with the batch: the old mean pooling\n"
    "  short-texts  short texts drift, long ones do not\n",
)
@click.argument("name", metavar="[STORY]", required=False, type=_StoryName())
@click.option("--plain", is_flag=True, help="Print it; the same where there is no terminal.")
@with_search_progress
def command(name: str | None, plain: bool) -> int:
    """Tell a story of a recording: three sentences, and the setting that they are about.

    Every figure is computed from the recording. No engine is needed. Without a name the stories are
    listed.
    """
    from embedtui.report.stories import KEYS, STORIES, story  # noqa: PLC0415 - not for the help

    console = output.out()
    if name is None:
        width = max(map(len, STORIES))
        for one in STORIES.values():
            console.print(Text.assemble((one.name.ljust(width), "bold"), f"  {one.title}"))
        console.print(Text("embedtui demo STORY tells one", style="dim"))
        return ExitCode.DONE
    chosen = story(name)
    path = library.recordings()[chosen.recording]
    results = run_file.read(path)
    told = chosen.told(results)
    from embedtui.tui.terminal.guard import is_terminal  # noqa: PLC0415 - of the screen alone

    if not plain and is_terminal():
        from embedtui.cli.explore import start  # noqa: PLC0415 - likewise

        looks = {"ascii": True if output.wants_ascii() else None}
        return start(Asked({}, frozenset()), looks, opened=(path,), story=told)
    console.print(Text(told.title, style="bold"))
    for sentence in told.sentences:
        console.print(Padding(Text(printable(sentence)), (0, 0, 0, 2)))
    found = overview.overview_of(results, scenario("rag"))
    overview.show(found, console, told.setting)
    keys = f"embedtui open {chosen.recording} shows it; there {KEYS}"
    console.print(Padding(Text(keys, style="dim"), (1, 0, 0, 0)))
    return ExitCode.DONE
