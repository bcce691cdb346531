"""Crash reports: what they hold, and what they must not."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import pytest

from embedtui.cli import lists, main
from embedtui.common import crash, paths
from embedtui.common.errors import ExitCode
from embedtui.engine.access import Secret

KEY = "sk-planted-0123456789"


def _raised(error: Exception) -> Exception:
    text_of_a_user = "nobody's business"  # noqa: F841 - a variable that must not be shown
    try:
        raise error
    except type(error) as caught:
        return caught


def _report_of(error: Exception) -> str:
    path = crash.write(_raised(error), "testing")
    assert path is not None
    return path.read_text()


def test_a_report_holds_what_it_takes_to_mend_and_is_its_owners_alone() -> None:
    logs = paths.logs_folder() / "session"
    logs.mkdir()
    (logs / "host.log").write_text("".join(f"line {number}\n" for number in range(100)))
    path = crash.write(_raised(ValueError("planted \x1b[31mfault")), "drawing")
    assert path is not None
    assert path.parent == paths.logs_folder()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    report = path.read_text()
    assert "while: drawing" in report
    assert "ValueError: planted \ufffd[31mfault" in report
    assert "test_crash.py" in report
    assert re.search(r"numpy \d", report)
    assert "line 99" in report
    assert "line 59" not in report
    assert "nobody's business" not in report.replace('text_of_a_user = "nobody\'s business"', "")


@pytest.mark.parametrize(
    "message",
    [
        f"refused: {KEY}",
        f"Illegal header value b'Bearer {KEY}\\n'",
        f"https://user:{KEY}@host/v1 cannot be reached",
        f"GET https://host/v1?api_key={KEY}&n=1",
        f"{{'Authorization': 'Bearer {KEY}'}}",
        f"authorization: {KEY}",
        f"x-api-key = {KEY}",
    ],
)
def test_no_key_of_the_environment_is_written(
    message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    assert KEY not in _report_of(ValueError(message))


@pytest.mark.parametrize(
    "message",
    [
        f"Bearer {KEY}",
        f"https://{KEY}@host/v1",
        f"https://host/v1?token={KEY}",
        f"Authorization: Basic {KEY}",
    ],
)
def test_what_looks_like_a_key_is_not_written_either(message: str) -> None:
    assert KEY not in _report_of(ValueError(message))


def test_a_key_with_a_newline_is_found_as_python_writes_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nmore")
    assert KEY not in _report_of(ValueError(repr(f"value {KEY}\nmore")))


def test_a_key_that_was_typed_is_not_written() -> None:
    typed = Secret("typed-by-hand")
    assert "typed-by-hand" not in _report_of(ValueError(f"bad: {typed.reveal()}"))


def test_secret_arguments_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["embedtui", "run", "--api-key", "abcd1", "--token=abcd2", "https://me:abcd3@host/v1"]
    monkeypatch.setattr(sys, "argv", given)
    report = _report_of(ValueError("x"))
    for secret in ("abcd1", "abcd2", "abcd3"):
        assert secret not in report
    assert "run --api-key … --token=… https://…@host/v1" in report


def test_a_report_follows_no_link_and_overwrites_nothing(tmp_path: Path) -> None:
    first = crash.write(_raised(ValueError("one")))
    second = crash.write(_raised(ValueError("two")))
    assert first is not None
    assert second is not None
    assert first != second
    assert "ValueError: one" in first.read_text()


def test_an_error_of_our_own_ends_with_4_one_line_and_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)

    def broken(*_arguments: object, **_options: object) -> None:
        raise KeyError(f"planted {KEY}")

    monkeypatch.setattr(lists.list_texts, "callback", broken)
    code: int = main.call(["list", "texts"])
    assert code == ExitCode.CRASHED
    assert code == 4
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert KEY not in said.err
    path = Path(re.search(r"crash report: (\S+)\)", said.err).group(1))  # type: ignore[union-attr]
    report = path.read_text()
    assert "KeyError" in report
    assert KEY not in report


def test_where_no_report_can_be_written_the_line_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(paths, "logs_folder", lambda: tmp_path / "is not there")
    error = _raised(ValueError("planted"))
    path = crash.write(error)
    assert path is None
    assert crash.describe(error, path) == ("ValueError: planted (no crash report could be written)")
