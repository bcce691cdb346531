"""What lies between the explorer and the machine: clipboard, screenshots, logs, GPUs, paths."""

from __future__ import annotations

import base64
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.widgets import Static

from embedtui.common import machine
from embedtui.common.errors import InputError
from embedtui.tui.pickers.path_completion import MOST, complete, looks_like_path
from embedtui.tui.state.gpu_meter import GpuMeter
from embedtui.tui.state.log_tail import LogTail, log_files
from embedtui.tui.terminal import clipboard, screenshot
from tests.tui.conftest import Bare
from tests.waiting import wait_until


def copied(text: str, folder: Path, **environment: str) -> tuple[str, str]:
    written: list[str] = []
    told = clipboard.copy(text, write=written.append, folder=folder, environment=environment)
    return told, "".join(written)


def test_a_copy_goes_to_the_terminal_and_into_a_file(tmp_path: Path) -> None:
    told, written = copied("vllm serve é\n", tmp_path)
    encoded = written.removeprefix("\x1b]52;c;").removesuffix("\x07")
    assert base64.b64decode(encoded).decode() == "vllm serve é\n"
    assert (tmp_path / "copied.txt").read_text() == "vllm serve é\n"
    assert told.startswith("copied 13 characters; also in ")


def test_tmux_and_screen_are_asked_to_hand_it_on(tmp_path: Path) -> None:
    assert copied("x", tmp_path, TMUX="/tmp/t")[1].startswith("\x1bPtmux;\x1b\x1b]52;c;")
    assert copied("x", tmp_path, TERM="screen-256color")[1].startswith("\x1bP\x1b]52;c;")


def test_what_a_terminal_would_drop_is_left_to_the_file(tmp_path: Path) -> None:
    told, written = copied("x" * 100_000, tmp_path)
    assert written == ""
    assert "too long" in told
    assert len((tmp_path / "copied.txt").read_text()) == 100_000


def test_without_a_file_the_terminal_still_gets_it(tmp_path: Path) -> None:
    told, written = copied("x", tmp_path / "none")
    assert written
    assert "cannot be written" in told


class Words(Bare):
    def compose(self) -> ComposeResult:
        yield Static("a < b & c \x0b 漢字", markup=False)


async def test_a_screenshot_is_named_by_what_it_shows_and_never_written_over(
    tmp_path: Path,
) -> None:
    app = Words()
    async with app.run_test(size=(30, 4)):
        what = "org/mödel · float16\x1b"
        drawn = screenshot.svg_of(app, what)
        paths = [screenshot.save(tmp_path, what, "svg", drawn) for _ in range(2)]
        text = screenshot.save(tmp_path, "words", "txt", screenshot.text_of(app))
    assert len(set(paths)) == 2
    assert paths[0].name.endswith("-org-model-float16.svg")
    for path in paths:
        ET.parse(path)
    assert text.read_text().split("\n")[0].startswith("a < b & c")


async def test_a_screenshot_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    app = Words()
    async with app.run_test(size=(30, 4)):
        with pytest.raises(InputError, match="cannot be written"):
            screenshot.save(tmp_path / "none", "x", "svg", "drawn")


def test_a_log_is_followed_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_bytes(b"one\ntwo \x1b[31mred\nhal")
    tail = LogTail(path)
    assert tail.read() == ["one", "two \ufffd[31mred"]
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(b"f\r50%\r100%\n\xff\n")
    assert tail.read() == ["half", "50%", "100%", "\ufffd"]
    path.write_bytes(b"anew\n")
    assert tail.read() == ["anew"]
    path.unlink()
    assert tail.read() == []


def test_of_a_long_log_only_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.write_text("".join(f"line {number}\n" for number in range(100_000)))
    lines = LogTail(path).read()
    assert lines[-1] == "line 99999"
    assert len(lines) < 40_000


def test_the_hosts_log_comes_first(tmp_path: Path) -> None:
    for name in ("002-b.log", "001-a.log", "host.log", "other.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in log_files(tmp_path)] == ["host.log", "001-a.log", "002-b.log"]
    assert log_files(tmp_path / "none") == []


def test_the_meter_reads_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter(range(1000))
    monkeypatch.setattr(machine, "gpu_load", lambda: [("H200", next(counts), 100, 7)])
    meter = GpuMeter()
    assert meter.readings() == ()
    meter.start()
    wait_until(meter.readings)
    meter.stop()
    assert meter.readings()[0].utilisation == 7
    assert meter.readings()[0].total_bytes == 100


def test_without_a_gpu_the_meter_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpu_load", lambda: None)
    meter = GpuMeter()
    meter.start()
    wait_until(lambda: all(one.name != "embedtui-gpu" for one in threading.enumerate()))
    assert meter.readings() == ()


def test_paths_are_completed_as_far_as_they_agree(tmp_path: Path) -> None:
    for name in ("texts-one.txt", "texts-two.txt", "other.bin", ".hidden.txt"):
        (tmp_path / name).touch()
    (tmp_path / "texts-folder").mkdir()

    def wanted(path: Path) -> bool:
        return path.suffix == ".txt"

    found = complete(f"{tmp_path}/te", wanted)
    assert found.common == f"{tmp_path}/texts-"
    assert [entry.name for entry in found.entries] == [
        "texts-folder",
        "texts-one.txt",
        "texts-two.txt",
    ]
    assert found.entries[0].text.endswith("/")
    assert [entry.name for entry in complete(f"{tmp_path}/.", wanted).entries] == [".hidden.txt"]
    assert complete(f"{tmp_path}/none/x", wanted).entries == ()
    assert complete("/no\0such/", wanted).entries == ()


def test_a_folder_of_thousands_is_listed_in_part(tmp_path: Path) -> None:
    for number in range(MOST + 7):
        (tmp_path / f"{number}.txt").touch()
    found = complete(f"{tmp_path}/", lambda _: True)
    assert len(found.entries) == MOST
    assert found.more == 7


def test_what_looks_like_a_path() -> None:
    assert all(map(looks_like_path, ("./a", "/a", "~/a", "../a", ".")))
    assert not any(map(looks_like_path, ("minilm", "org/name", "")))
