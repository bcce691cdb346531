"""The command line: commands, and one way to fail: a line on standard error and an exit code."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich import box
from rich.table import Table
from rich.text import Text

from embedtui import __version__, models
from embedtui.cli import doctor as checks
from embedtui.cli import output
from embedtui.cli.config import config, list_themes
from embedtui.cli.explore import explore
from embedtui.cli.run import run
from embedtui.engine.settings import SWITCHES
from embedtui.errors import EmbedtuiError, InputError
from embedtui.printable import printable
from embedtui.record import exports, report, run_file
from embedtui.texts import describe_packs


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\nExit codes: 0 done, 1 a check failed, 2 bad usage or input, 3 the engine failed, "
    "130 cancelled.",
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
            return int(context.invoke(explore))
        click.echo(context.get_help())
    return 0


cli.add_command(explore)
cli.add_command(run)
cli.add_command(config)
cli.add_command(list_themes)


@cli.command("models")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_models(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the models that can be explored here.

    The alias, the models in the local hub cache, and those in FOLDERs. Nothing is loaded and the
    network is not asked; `vLLM` says whether the installed vLLM would embed with the model.
    """
    found = models.find_models(folders)
    if as_json:
        keys = (
            "ref",
            "name",
            "architecture",
            "layers",
            "width",
            "pooling",
            "pooling_source",
            "parameters",
            "dtype",
            "bytes_on_disk",
            "max_length",
            "embeds",
            "reason",
        )
        listed = [{key: getattr(info, key) for key in keys} for info in found]
        output.write(exports.dump(listed))
        return
    console = output.out()
    for info in found:
        console.print(_model_lines(info), soft_wrap=True)


@cli.command("texts")
def list_texts() -> None:
    """List the text packs that come with embedtui."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("pack", no_wrap=True)
    table.add_column("texts", justify="right")
    table.add_column("what it is for")
    for pack in describe_packs():
        table.add_row(Text(pack.name), str(pack.count), Text(printable(pack.description)))
    output.out().print(table)


@cli.command("settings")
def list_settings() -> None:
    """Explain the switches that --dtype and --setting change."""
    console = output.out()
    for switch in SWITCHES:
        values = ", ".join(switch.choices) or "a whole number, or auto"
        only = (
            ""
            if len(switch.devices) > 1
            else f" ({'GPU' if 'cuda' in switch.devices else 'CPU'} only)"
        )
        default = switch.show(switch.default)
        console.print(
            Text.assemble((switch.key, "bold"), f" = {values}  [default: {default}]{only}")
        )
        console.print(Text("    " + switch.help))


@cli.command("export")
@click.argument("run_path", type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "--to",
    "form",
    type=click.Choice(list(exports.FORMATS)),
    default="json",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of standard output.",
)
def export(run_path: Path, form: str, out: Path | None) -> None:
    """Turn a run file into JSON, CSV or Markdown; a run that was cut off as well.

    The figures are computed from the vectors in the file and equal those of the run to the bit.
    """
    text = exports.FORMATS[form](report.build(run_file.read(run_path)))
    if out is None:
        output.write(text)
        return
    if out.exists() and out.samefile(run_path):
        raise InputError(f"{printable(str(out))} is the run file itself: give another --out")
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(f"{printable(str(out))} cannot be written: {error.strerror}") from error


@cli.command("doctor")
def doctor() -> int:
    """Check the machine: GPU or CPU, vLLM and its companions, the terminal.

    Whatever is missing comes with the command that mends it; the exit code is 1 then.
    """
    return checks.show(checks.examine(), output.out())


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
        return 0
    except (click.ClickException, click.Abort, KeyboardInterrupt, EmbedtuiError, OSError) as error:
        message, code = _told(error)
        output.err().print(f"embedtui: {printable(message)}", soft_wrap=True)
        return code
    return result if isinstance(result, int) else 0


def _told(error: BaseException) -> tuple[str, int]:
    """Return the line that tells of a failure, and its exit code."""
    match error:
        case EmbedtuiError():
            return str(error), error.exit_code
        case click.UsageError(ctx=click.Context() as context):
            return f"{error.format_message()} (see {context.command_path} --help)", 2
        case click.ClickException():
            return error.format_message(), 2
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return f"{where}{error.strerror or error}", 2
        case _:
            return "cancelled", 130


def _model_lines(info: models.ModelInfo) -> Text:
    facts = [info.architecture or "no architecture"]
    if info.layers and info.width:
        facts.append(f"{info.layers} layers × {info.width}")
    if info.pooling:
        facts.append(f"{info.pooling} pooling")
    if info.parameters:
        facts.append(f"{info.parameters / 1e6:.1f} M parameters")
    if info.bytes_on_disk:
        facts.append(f"{info.bytes_on_disk / 1e6:.1f} MB")
    if info.max_length:
        facts.append(f"{info.max_length} tokens")
    mark, style = {"yes": ("✔ ", "green"), "no": ("✗ ", "red")}.get(info.embeds, ("? ", "yellow"))
    return Text.assemble(
        (printable(info.ref), "bold"),
        "\n  ",
        printable(" · ".join(facts)),
        "\n  ",
        (f"{mark}vLLM: {info.embeds}", style),
        f", {printable(info.reason)}" if info.reason else "",
    )
