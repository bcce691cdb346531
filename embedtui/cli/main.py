"""The command line: commands, and one way to fail: a line on standard error and an exit code."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from embedtui import __version__
from embedtui.cli import output
from embedtui.cli.group import Group
from embedtui.common.errors import EmbedtuiError, ExitCode
from embedtui.common.printable import printable
from embedtui.plan.former_names import FORMER_OPTIONS

_COMMANDS = {
    "explore": "explore:explore",
    "open": "open:command",
    "run": "run:run",
    "check": "check:command",
    "history": "history:command",
    "advise": "advise:command",
    "layers": "layers:command",
    "models": "models:group",
    "texts": "lists:list_texts",
    "settings": "lists:list_settings",
    "scenarios": "lists:list_scenarios",
    "themes": "config:list_themes",
    "config": "config:config",
    "export": "export:export",
    "compare": "compare:command",
    "mix": "mix:command",
    "storage": "storage:command",
    "doctor": "doctor:doctor",
    "completion": "completion:command",
}
"""Module and function of each command, imported when it is asked for: the screen must not wait for
what only the others need."""


def _present_name(name: str) -> str:
    """Return an option's name of now, and say so where a former one was typed."""
    present = FORMER_OPTIONS.get(name)
    if present is not None:
        output.err().print(f"embedtui: --{name} is called --{present}; use that name")
    return present or name


class Commands(Group):
    """The commands, each imported when it is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, the most wanted first."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name."""
        if cmd_name not in _COMMANDS:
            return None
        module, function = _COMMANDS[cmd_name].split(":")
        found: click.Command = getattr(import_module(f"embedtui.cli.{module}"), function)
        return found


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": _present_name,
    },
    epilog="\b\nExit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 the engine failed, "
    "4 an error of embedtui's own, 5 a check is inconclusive, 130 cancelled.",
)
@click.version_option(__version__, prog_name="embedtui")
@click.pass_context
def cli(context: click.Context) -> int:
    """See how far text embeddings drift when vLLM's dtype, batch or kernels change.

    Alone, in a terminal, it opens the explorer. `embedtui run` does the same work without a screen,
    `embedtui doctor` says whether everything is here.
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
            return (
                f"{error.format_message()} (see {context.command_path} --help)",
                ExitCode.BAD_INPUT,
            )
        case click.ClickException():
            return error.format_message(), ExitCode.BAD_INPUT
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}", ExitCode.BAD_INPUT
        case _:
            return "cancelled", ExitCode.CANCELLED
