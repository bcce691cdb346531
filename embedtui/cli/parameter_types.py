"""Names on a command line: how a shell completes them, and how a run is found by one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, Literal

import click
from click.shell_completion import CompletionItem

from embedtui.common.errors import InputError
from embedtui.common.printable import printable
from embedtui.common.suggest import unknown


# click 8.2 has no type arguments here.
class Name(click.ParamType):  # type: ignore[type-arg]
    """A name out of a list, or something else that the command understands."""

    name = "text"
    files: ClassVar[Literal["", "file", "dir"]] = ""
    """Whether a path may be given as well."""

    def known(self) -> Iterable[str]:
        """Return the names that there are."""
        raise NotImplementedError

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin as typed; files where none does and a path is as good."""
        found = [CompletionItem(one) for one in self.known() if one.startswith(incomplete)]
        if self.files and (not found or not incomplete):
            found.append(CompletionItem(incomplete, type=self.files))
        return found


class ModelName(Name):
    """An alias, a folder, a hub id or a server's address."""

    files = "dir"

    def known(self) -> Iterable[str]:
        """Return the models of this machine, by the names that find them."""
        from embedtui import models  # noqa: PLC0415 - when a shell asks

        return [info.ref for info in models.find_models()]


class TextsName(Name):
    """A text pack, a file or a folder."""

    files = "file"

    def known(self) -> Iterable[str]:
        """Return the packs that come with embedtui."""
        from embedtui.texts import pack_names  # noqa: PLC0415 - when a shell asks

        return pack_names()


class ScenarioName(Name):
    """What embeddings are used for."""

    def known(self) -> Iterable[str]:
        """Return the scenarios, those of the user among them."""
        from embedtui.plan.scenarios import scenarios  # noqa: PLC0415 - when a shell asks

        return list(scenarios())

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the key of a scenario that there is.

        Raises:
            InputError: if there is none of that name.
        """
        from embedtui.plan.scenarios import scenario  # noqa: PLC0415 - when one is named

        return scenario(value).key


class SweepName(Name):
    """A sweep that comes with embedtui, or a plan file."""

    files = "file"

    def known(self) -> Iterable[str]:
        """Return the sweeps that come with embedtui."""
        from embedtui.plan.sweep import sweep_names  # noqa: PLC0415 - when a shell asks

        return sweep_names()


class ThemeName(Name):
    """A theme of the explorer."""

    def known(self) -> Iterable[str]:
        """Return the themes, yours among them."""
        from embedtui.config import config_path  # noqa: PLC0415 - when one is named
        from embedtui.tui import themes  # noqa: PLC0415 - likewise

        yours, _ = themes.load_user(config_path().parent / "themes")
        return [theme.name for theme in (*yours, *themes.shipped())]

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name of a theme that there is.

        Raises:
            InputError: if there is none of that name.
        """
        known = list(self.known())
        if value not in known:
            raise unknown("theme", value, known)
        return value


class SideRef(Name):
    """RUN, or RUN#SETTING: the command reads what stands after the run."""

    files = "file"

    def known(self) -> Iterable[str]:
        """Return the recordings and the newest runs of one's own."""
        from embedtui.storage import library  # noqa: PLC0415 - when a shell asks

        own = [path.stem for path in library.own_runs()]
        return [library.LAST, *library.recordings(), *own]


class RunsRef(SideRef):
    """NAME of one run or of several recordings, or a file."""

    def known(self) -> Iterable[str]:
        """Return what several recordings' names begin with, and the names of single runs."""
        from embedtui.storage import library  # noqa: PLC0415 - when a shell asks

        return [*library.groups(), *super().known()]


class RunRef(SideRef):
    """RUN: a file, a recording's name, a run in the data folder, or `last`, the newest of those."""

    name = "run"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the one run file that is meant.

        Raises:
            InputError: if there is none, or if several recordings begin with the name.
        """
        return value if isinstance(value, Path) else run_file_of(value)


def run_file_of(ref: str) -> Path:
    """Return the one run file that `ref` means.

    Raises:
        InputError: if there is none, or if several recordings begin with the name.
    """
    from embedtui.storage import library  # noqa: PLC0415 - when one is named

    path, *others = library.find(ref)
    if others:
        names = ", ".join(sorted(one.stem for one in (path, *others)))
        raise InputError(f"{printable(ref, 60)} is several recordings: give one of {names}")
    return path
