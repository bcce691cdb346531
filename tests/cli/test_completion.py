"""What a shell asks embedtui while a person types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from embedtui.cli.completion import VARIABLE


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("embedtui che", "check"),
        ("embedtui run min", "minilm"),
        ("embedtui run --texts pass", "passages"),
        ("embedtui check --scenario gol", "golden"),
        ("embedtui run --sweep prec", "precision"),
        ("embedtui export h200-min", "h200-minilm"),
        ("embedtui open h20", "h200"),
        ("embedtui compare las", "last"),
        ("embedtui minilm --theme grap", "graphite"),
        ("embedtui completion fi", "fish"),
    ],
)
def test_names_are_completed(home: object, line: str, named: str) -> None:
    words = line.split()
    asking = {VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    said = subprocess.run(
        [sys.executable, "-m", "embedtui"],
        env=os.environ | asking,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"plain,{named}" in said.stdout.splitlines()
    assert said.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_one_that_it_reads(shell: str) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "embedtui", "completion", shell],
        capture_output=True,
        text=True,
        check=True,
    )
    assert VARIABLE in said.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=said.stdout, text=True, check=True)
