"""Groups of commands that ask back where a command's name was mistyped."""

from __future__ import annotations

import click

from embedtui.common.printable import printable
from embedtui.common.suggest import suggest


class Group(click.Group):
    """A group that names the nearest command for one that there is not."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names, and the words after it."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            known = self.list_commands(ctx)
            ctx.fail(f"No such command '{printable(name, 40)}'{suggest(name, known)}")
        return super().resolve_command(ctx, args)
