"""`embedtui completion`: what a shell runs to complete commands, options and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from embedtui.cli import output
from embedtui.cli.group import Choice, Command

VARIABLE = "_EMBEDTUI_COMPLETE"
"""Through it the shell asks embedtui, as click reads it."""


@click.command(
    "completion",
    cls=Command,
    epilog="\b\nTo have it in every shell:\n"
    "  bash   echo 'eval \"$(embedtui completion bash)\"' >> ~/.bashrc\n"
    "  zsh    echo 'eval \"$(embedtui completion zsh)\"' >> ~/.zshrc\n"
    "  fish   embedtui completion fish > ~/.config/fish/completions/embedtui.fish\n",
)
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what completes commands, options and names in bash, zsh or fish.

    Models, texts, recordings, runs, scenarios, sweeps and themes are completed by name.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three"
    made = kind(context.find_root().command, {}, "embedtui", VARIABLE)
    output.write(made.source() + "\n")
