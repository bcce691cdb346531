"""The command line as a process of its own: encodings, pipes, terminals, and what is imported."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import FEW

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "vllm",
    "transformers",
    "sentence_transformers",
    "textual",
    "pyarrow",
    "huggingface_hub",
    "triton",
)
ASCII = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


def python(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


class TestImports:
    @pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "settings"]])
    def test_are_light_until_something_is_done(self, arguments: list[str]) -> None:
        script = (
            "import sys; from embedtui.cli.main import call; code = call(sys.argv[1:]); "
            f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr); sys.exit(code)"
        )
        done = python("-c", script, *arguments)
        assert done.returncode == 0
        assert done.stderr == b"[]\n"

    def test_of_the_whole_command_line_are_light(self) -> None:
        script = (
            "import sys, embedtui.cli.main, embedtui.run.study, embedtui.report.exports; "
            f"print([m for m in {HEAVY!r} if m in sys.modules])"
        )
        assert python("-c", script).stdout == b"[]\n"


@pytest.mark.parametrize("environment", ASCII, ids=lambda e: next(iter(e)))
class TestAscii:
    def test_run_degrades(self, model_folder: Path, few: Path, environment: dict[str, str]) -> None:
        done = python(
            *("-m", "tests.cli.with_fakes", "run", model_folder, "--texts", few, *FEW, "--full"),
            **environment,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.isascii()
        assert done.stderr.isascii()
        assert b"identical" in done.stdout
        assert b"cpu_attn - mean pooling" in done.stdout
        assert b"1.0e-05 x" not in done.stdout
        assert b"\\x" not in done.stdout + done.stderr
        lines = [line for line in done.stdout.splitlines() if b"vllm serve" not in line]
        assert max(map(len, lines)) <= 80

    def test_names_lose_what_cannot_be_shown(
        self, model_folder: Path, tmp_path: Path, environment: dict[str, str]
    ) -> None:
        texts = tmp_path / "日本.txt"
        texts.write_text("one\ntwo\n")
        done = python(
            "-m", "tests.cli.with_fakes", "run", model_folder, "--texts", texts, *FEW, **environment
        )
        assert done.returncode == 0
        assert b"2 texts (" in done.stdout
        assert done.stdout.isascii()

    @pytest.mark.parametrize(
        "arguments",
        [
            ["run", "--help"],
            *(["list", name] for name in ("settings", "texts", "models")),
            ["doctor"],
        ],
    )
    def test_other_commands_degrade(
        self, arguments: list[str], environment: dict[str, str]
    ) -> None:
        done = python("-m", "embedtui", *arguments, **environment)
        assert done.returncode in {0, 1}
        assert (b"Traceback" in done.stderr, done.stderr) == (False, b"")
        assert done.stdout.isascii()
        assert done.stdout

    def test_json_is_utf8_all_the_same(
        self, model_folder: Path, tmp_path: Path, environment: dict[str, str]
    ) -> None:
        texts = tmp_path / "texts.jsonl"
        texts.write_text('{"id": "日本", "text": "a"}\n')
        done = python(
            *("-m", "tests.cli.with_fakes", "run", model_folder, "--texts", texts, *FEW),
            *("--json", "--quiet"),
            **environment,
        )
        assert done.stderr == b""
        made = json.loads(done.stdout.decode("utf-8"))
        assert made["settings"][0]["texts"][0]["id"] == "日本"

    def test_a_failure_is_one_ascii_line(self, environment: dict[str, str]) -> None:
        done = python("-m", "embedtui", "run", "./日本", **environment)
        assert done.returncode == 2
        assert done.stderr.isascii()
        assert done.stderr.count(b"\n") == 1


def begin(*arguments: str | Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )


class TestPipes:
    def test_a_reader_that_goes_away_is_no_error(self) -> None:
        with begin("-m", "embedtui", "list", "settings") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0

    @pytest.mark.parametrize("more", [[], ["--json"]])
    def test_a_reader_of_a_run_that_goes_away_is_no_error(
        self, model_folder: Path, few: Path, tmp_path: Path, more: list[str]
    ) -> None:
        out = tmp_path / "run.sqlite"
        with begin(
            *("-m", "tests.cli.with_fakes", "run", model_folder, "--texts", few, *FEW),
            "--quiet",
            "--out",
            out,
            *more,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0
        assert python("-m", "embedtui", "export", out).returncode == 0

    def test_a_run_goes_on_when_nobody_reads_its_progress(
        self, model_folder: Path, few: Path
    ) -> None:
        with begin(
            "-m", "tests.cli.with_fakes", "run", model_folder, "--texts", few, *FEW, "--json"
        ) as process:
            assert process.stderr is not None
            assert process.stdout is not None
            process.stderr.close()
            made = json.loads(process.stdout.read())
        assert process.returncode == 0
        assert made["status"] == "finished"


def in_terminal(*arguments: str | Path, **environment: str) -> tuple[int, str]:
    """Run in a pseudo terminal of 80 columns; return the exit code and all that was written."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.with_fakes", *map(str, arguments)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env=kept | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | environment,
    )
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # EIO: the last one who held the terminal has closed it
            break
        if not piece:
            break
        written += piece
    os.close(master)
    return process.wait(30), written.decode()


COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-79]|38;|4[0-79]|9[0-7])[\d;]*m")


class TestTerminal:
    def test_shows_a_bar_that_leaves_the_terminal_as_it_was(
        self, model_folder: Path, few: Path
    ) -> None:
        code, written = in_terminal("run", model_folder, "--texts", few, *FEW, FAKE_SLEEP="0.02")
        assert code == 0
        assert re.search(r" *\d+%", written)
        assert "texts/s" in written
        assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1
        assert COLOUR.search(written)
        shown = written[written.index("\x1b[?25h") :]
        assert "SERVE" in shown

    def test_no_color_is_obeyed(self, model_folder: Path, few: Path) -> None:
        code, written = in_terminal("run", model_folder, "--texts", few, *FEW, NO_COLOR="1")
        assert code == 0
        assert "SERVE" in written
        assert not COLOUR.search(written)

    def test_quiet_shows_no_bar(self, model_folder: Path, few: Path) -> None:
        code, written = in_terminal("run", model_folder, "--texts", few, *FEW, "--quiet")
        assert code == 0
        assert "\x1b[?25l" not in written
        assert not re.search(r"\d%", written)

    def test_foreign_text_brings_no_escape_sequence(
        self, model_folder: Path, tmp_path: Path
    ) -> None:
        texts = tmp_path / "\x1b]0;owned\x07.jsonl"
        texts.write_text(json.dumps({"id": "\x1b[2J", "text": "\x1b[31mred"}) + "\n")
        _, written = in_terminal("run", model_folder, "--texts", texts, *FEW)
        assert "\x1b]0;owned" not in written
        assert "\x1b[2J" not in written
        assert "\x07" not in written
