"""No key is ever written, printed, or shown in the list of processes or in a crash."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from rich.console import Console
from rich.traceback import Traceback

from embedtui.address import Address
from embedtui.engine.endpoint.access import Access, Secret
from embedtui.engine.endpoint.wire import Wire
from embedtui.engine.environment import host_environment
from embedtui.errors import InputError
from tests.cli.conftest import Embedtui
from tests.servers.fault_server import Serve

KEY = "sk-MARKED-5f0c1d"
FEW = ("--limit", "4", "--batch-sizes", "2", "--shuffles", "0")


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_it_reaches_the_server_and_nothing_else(
    serve: Serve, embedtui: Embedtui, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    server = serve(key=KEY)
    out = tmp_path / "run.sqlite"
    said = embedtui("run", server.url, *FEW, "--out", out)
    assert said.code == 0, said.err
    assert set(server.keys) == {f"Bearer {KEY}"}
    for form in ("json", "csv", "markdown"):
        exported = embedtui("export", out, "--to", form)
        assert KEY not in exported.out + exported.err
    embedtui("export", out, "--to", "recording", "--out", tmp_path / "recording.sqlite")
    checked = embedtui(
        *("check", server.url, *FEW[:4], "--share", "0.5", "--record", tmp_path / "golden.sqlite"),
        *("--junit", tmp_path / "j.xml", "--markdown", tmp_path / "m.md", "--json"),
    )
    assert checked.code == 0
    assert KEY not in said.out + said.err + checked.out + checked.err
    assert KEY.encode() not in everything_in(home)
    assert KEY.encode() not in everything_in(tmp_path)


@pytest.mark.parametrize("state", [None, 429, 500, 404])
def test_a_server_that_says_it_back_is_not_repeated(
    serve: Serve, embedtui: Embedtui, home: Path, monkeypatch: pytest.MonkeyPatch, state: int | None
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    said = embedtui("run", serve(key="other", repeats_key=True, always=state).url, *FEW)
    assert said.code == 3
    assert KEY not in said.out + said.err
    assert KEY.encode() not in everything_in(home)


def test_the_environment_names_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, beyond = Address("http://127.0.0.1:1/v1"), Address("http://10.0.0.1:1/v1")
    safe = Address("https://api.example.org/v1")
    assert Access().key_for(inside) is None
    monkeypatch.setenv("OPENAI_API_KEY", "usual")
    keys = [Access().key_for(one) for one in (inside, safe, beyond)]
    assert [key and key.reveal() for key in keys] == ["usual", "usual", None]
    monkeypatch.setenv("EMBEDTUI_API_KEY", "own")
    assert {Access().key_for(one).reveal() for one in (inside, safe, beyond)} == {"own"}  # type: ignore[union-attr]
    assert Access(key=Secret("typed")).key_for(beyond).reveal() == "typed"  # type: ignore[union-attr]


def test_no_engine_inherits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert KEY not in str(host_environment())


@pytest.mark.parametrize(
    "address",
    [f"http://user:{KEY}@127.0.0.1:9/v1", f"http://127.0.0.1:9/v1?key={KEY}", f"http://{KEY}@h"],
)
def test_an_address_with_one_in_it_is_refused_without_saying_it(
    embedtui: Embedtui, address: str
) -> None:
    for command in (("run", address), ("check", address), ("run", "minilm", "--against", address)):
        said = embedtui(*command)
        assert said.code == 2
        assert KEY not in said.error


def test_a_crash_does_not_tell_it(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Textual shows the variables of every frame, and so does many a logger."""
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    server = serve(cut=True)
    access = Access(tries=1)
    wire = Wire(Address.parse(server.url), access, tmp_path / "log")
    body = {"model": "m", "input": ["a", "b"], "encoding_format": "float"}
    try:
        wire.post(f"{server.url}/embeddings", [{**body, "model": "fake/minilm"}], lambda: False)
        raise AssertionError("the answer was whole")
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
        shown = io.StringIO()
        found = Traceback.from_exception(
            type(error), error, error.__traceback__, show_locals=True, locals_max_string=10_000
        )
        Console(file=shown, width=200).print(found)
        told = shown.getvalue() + traceback.format_exc()
        context: BaseException | None = error
        while context is not None:
            frames = traceback.walk_tb(context.__traceback__)
            told += "".join(repr(frame.f_locals) for frame, _ in frames)
            context = context.__cause__
    finally:
        wire.close()
    assert "half an answer" in told
    assert KEY not in told
    assert KEY not in repr((access, Secret(KEY), wire.__dict__))


def test_it_cannot_be_pickled() -> None:
    import pickle

    with pytest.raises(TypeError, match="leaves this process"):
        pickle.dumps(Secret(KEY))


def test_the_list_of_processes_does_not_show_it(serve: Serve, tmp_path: Path) -> None:
    server = serve(key=KEY, delay=0.05)
    process = subprocess.Popen(
        [sys.executable, "-m", "embedtui", "run", server.url, *FEW, "--quiet"],
        env=os.environ | {"EMBEDTUI_API_KEY": KEY},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    listed = ""
    while process.poll() is None and not server.asked:
        pass
    while process.poll() is None:
        listed += subprocess.check_output(["ps", "axww"], text=True)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    process.stdout.close()
    assert process.returncode == 0, out
    assert server.url in listed
    assert KEY not in listed + out


def test_a_redirect_does_not_take_it_elsewhere(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    other = serve()
    first = serve(redirect_to=other.url.removesuffix("/v1"))
    wire = Wire(Address.parse(first.url), Access(), tmp_path / "log")
    try:
        wire.get(f"{first.url}/models", lambda: False, seconds=5)
    finally:
        wire.close()
    assert first.keys == [f"Bearer {KEY}"]
    assert other.keys == [""]


def test_asking_for_it_needs_a_terminal(embedtui: Embedtui) -> None:
    said = embedtui("run", "http://127.0.0.1:9/v1", "--ask-key")
    assert (said.code, "needs a terminal" in said.error) == (2, True)


def test_an_address_says_what_is_meant() -> None:
    assert str(Address.parse("http://h:1")) == "http://h:1/v1"
    assert str(Address.parse("HTTPS://h/v1/embeddings#a/b")) == "https://h/v1#a/b"
    assert Address.parse("http://h/inference/v1/").root == "http://h/inference"
    with pytest.raises(InputError):
        Address.parse("ftp://h")
