"""The command line: commands, and one way to fail: a line on standard error and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from embedtui import __version__
from embedtui.cli import output
from embedtui.cli.command_table import COMMANDS, GROUPS
from embedtui.cli.former_commands import EXPLORER, FORMER_COMMANDS, in_present_words
from embedtui.cli.group import Group, told_of_option
from embedtui.common.address import is_address
from embedtui.common.errors import EmbedtuiError, ExitCode
from embedtui.common.printable import printable
from embedtui.common.suggest import suggest
from embedtui.plan.former_names import FORMER_OPTIONS

EXPLORE = "explore:explore"
"""Module and function of the explorer, which has no name among the commands."""


def _present_name(name: str) -> str:
    """Return an option's name of now, and say so where a former one was typed."""
    present = FORMER_OPTIONS.get(name)
    if present is not None:
        output.err().print(f"embedtui: --{name} is called --{present}; use that name")
    return present or name


class Commands(Group):
    """The commands; without one, or with a model in its place, the explorer."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, former commands among them, and options of the explorer."""
        args = in_present_words(args, aloud=not ctx.resilient_parsing)
        own = {name for param in self.get_params(ctx) for name in param.opts}
        if args and args[0].startswith("-") and args[0] not in own:
            args = [EXPLORER, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, the most wanted first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name."""
        place = EXPLORE if cmd_name == EXPLORER else None
        if cmd_name in COMMANDS:
            place = COMMANDS[cmd_name].place
        if place is None:
            return None
        module, function = place.split(":")
        found: click.Command = getattr(import_module(f"embedtui.cli.{module}"), function)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; the explorer where it names a model."""
        name = args[0]
        if name not in {EXPLORER, *COMMANDS}:
            if _may_be_model(name):
                args = [EXPLORER, *args]
            elif not ctx.resilient_parsing:
                near = suggest(name, [*COMMANDS, "minilm", *FORMER_COMMANDS])
                ctx.fail(f"No such command or model '{printable(name, 40)}'{near}")
        return super().resolve_command(ctx, args)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write both ways to use it."""
        formatter.write_usage("embedtui", "[MODEL|URL]  |  COMMAND [ARGUMENTS]")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command's line whole, group by group."""
        for heading, entries in GROUPS.items():
            with formatter.section(heading):
                width = max(map(len, COMMANDS))
                formatter.write_dl(
                    [(name.ljust(width), entry.told) for name, entry in entries.items()]
                )


def _may_be_model(word: str) -> bool:
    """Say whether a word in a command's place is an alias, a folder, a hub id or a server."""
    from embedtui.models.find import ALIASES  # noqa: PLC0415 - where the first word is no command

    named = word in ALIASES or word.startswith("random-") or is_address(word)
    return named or "/" in word or Path(word).exists()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 80,
        "token_normalize_func": _present_name,
    },
    epilog="`embedtui COMMAND --help` explains each, `embedtui MODEL --help` the explorer.\n\n"
    "Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 the engine failed, "
    "4 an error of embedtui's own, 5 a check is inconclusive, 130 cancelled.",
)
@click.version_option(__version__, prog_name="embedtui")
@click.pass_context
def cli(context: click.Context) -> int:
    """See how far text embeddings move when vLLM's dtype, batch or kernels change.

    In a terminal `embedtui` opens the explorer, with MODEL if one is named. `embedtui run` does the
    same work without a screen.
    """
    if context.invoked_subcommand is None:
        from embedtui.tui.terminal.guard import is_terminal  # noqa: PLC0415 - of the screen alone

        if is_terminal():
            from embedtui.cli.explore import explore  # noqa: PLC0415 - likewise

            return int(context.invoke(explore))
        click.echo(context.get_help())
    return ExitCode.DONE


def main() -> None:
    """Run the command line and exit with its code."""
    output.degrade()
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command; return its exit code. Whatever fails is told in one line."""
    try:
        result = cli.main(arguments, prog_name="embedtui", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return ExitCode.DONE
    except (BrokenPipeError, SystemExit):
        # Nobody reads standard output any more; click makes an exit of that where it writes itself.
        output.silence(1)
        return ExitCode.DONE
    except (click.ClickException, click.Abort, KeyboardInterrupt, EmbedtuiError, OSError) as error:
        message, code = _told(error)
        output.err().print(f"embedtui: {printable(message)}", soft_wrap=True)
        return code
    except Exception as error:  # noqa: BLE001 - the last resort: one line and a report
        return _crashed(error, arguments)
    return result if isinstance(result, int) else ExitCode.DONE


def _crashed(error: Exception, arguments: list[str]) -> int:
    """Write a crash report of an error that nobody foresaw, and tell where it is."""
    from embedtui.common import crash  # noqa: PLC0415 - only after an error

    path = crash.write(error, f"embedtui {arguments[0]}" if arguments else "embedtui")
    output.err().print(f"embedtui: {crash.describe(error, path)}", soft_wrap=True)
    return ExitCode.CRASHED


def _told(error: BaseException) -> tuple[str, ExitCode]:
    """Return the line that tells of a failure, and its exit code."""
    match error:
        case EmbedtuiError():
            return str(error), error.exit_code
        case click.UsageError(ctx=click.Context() as context):
            said = (
                told_of_option(error)
                if isinstance(error, click.NoSuchOption)
                else error.format_message()
            )
            where = context.command_path.replace(f" {EXPLORER}", " MODEL")
            return f"{said} (see {where} --help)", ExitCode.BAD_INPUT
        case click.ClickException():
            return error.format_message(), ExitCode.BAD_INPUT
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}", ExitCode.BAD_INPUT
        case _:
            return "cancelled", ExitCode.CANCELLED
