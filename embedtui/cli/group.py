"""Commands with their options in groups; where a name was mistyped the nearest is told."""

from __future__ import annotations

from collections.abc import Iterator

import click

from embedtui.common.printable import printable
from embedtui.common.suggest import suggest

_USUAL = "The usual ones"
_ARGUMENTS = {
    "model": "An alias (minilm), a folder, a hub id such as intfloat/e5-small, or the address of a "
    "server, http://host:port/v1.",
    "target": "An alias (minilm), a folder, a hub id, a server's address, or a plan file: each "
    "of its settings is checked.",
}
"""What is told of an argument, by its name."""
_GROUPS: dict[str, tuple[str, ...]] = {
    _USUAL: ("texts", "dtype", "batch_sizes", "scenario", "limit"),
    "Look": ("theme", "refresh", "slow_link", "ascii_only"),
    "Texts": ("column", "id_column", "seed", "join", "prompt", "too_long"),
    "Settings": ("setting", "also", "bundles", "sweep", "fresh", "advise"),
    "How often": ("repeats", "shuffles", "restarts", "confidence", "share"),
    "What is judged": ("situation", "reference", "layers", "layers_only", "under"),
    "Servers": ("serve", "ready_timeout", "against", "timeout", "ask_key", "key_for"),
    "Golden vectors": ("record", "golden"),
    "Earlier checks": ("history", "measure", "last", "history_file", "no_history"),
}
"""Parameters of the options, by the heading of their group; the rest is told last."""
_REST = "Output"


class Command(click.Command):
    """A command; the help of one that measures has its options in groups, the usual ones first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of a command that measures group by group, else as they come."""
        if all(param.name != "texts" for param in self.get_params(ctx)):
            super().format_options(ctx, formatter)
            return
        for heading, told in self._grouped(ctx):
            with formatter.section(heading):
                formatter.write_dl(told)

    def _grouped(self, ctx: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        records = {
            param.name or "": record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx))
        }
        for heading, names in _GROUPS.items():
            told = [records.pop(name) for name in names if name in records]
            if heading == _USUAL:
                told = [*self._arguments(ctx), *told]
            if told:
                yield heading, told
        yield _REST, list(records.values())

    def _arguments(self, ctx: click.Context) -> list[tuple[str, str]]:
        """Return what is told of the arguments that are as usual as options."""
        return [
            (param.make_metavar(ctx).strip("[]"), _ARGUMENTS[param.name or ""])
            for param in self.get_params(ctx)
            if isinstance(param, click.Argument) and param.name in _ARGUMENTS
        ]


class Group(click.Group):
    """A group that names the nearest command for one that there is not."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does, whole."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(limit=400)) for name, one in found if one]
            )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names, and the words after it."""
        name = args[0]
        unknown = not name.startswith("-") and self.get_command(ctx, name) is None
        if unknown and not ctx.resilient_parsing:
            known = self.list_commands(ctx)
            ctx.fail(f"No such command '{printable(name, 40)}'{suggest(name, known)}")
        return super().resolve_command(ctx, args)


class Choice(click.Choice[str]):
    """One of a few words, with the nearest named for one that is none of them."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Say what is wrong, what may be meant and what there is."""
        told = super().get_invalid_choice_message(printable(str(value), 40), ctx)
        head, _, rest = told.partition(" is not ")
        return f"{head}{suggest(str(value), self.choices)} is not {rest}"


def told_of_option(error: click.NoSuchOption) -> str:
    """Say which option there is not, and which may be meant."""
    params = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    known = [name for param in params for name in param.opts if name.startswith("--")]
    named = printable(error.option_name, 40)
    return f"No such option {named}{suggest(named, known)}"
