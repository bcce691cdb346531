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

from embedtui.common.address import Address
from embedtui.engine.access import Access, Secret, origins
from embedtui.engine.host_environment import host_environment
from embedtui.engine.remote.http_client import HttpClient
from embedtui.engine.remote.server_error import ServerError
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


def sent(access: Access, address: str) -> str | None:
    key = access.key_for(Address.parse(address))
    return None if key is None else key.reveal()


HERE, FAR, OPEN = "http://127.0.0.1:1/v1", "https://embed.example.org/v1", "http://10.0.0.1:1/v1"


def test_the_key_of_the_environment_goes_where_a_person_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", "own")
    every = (HERE, FAR, OPEN)
    assert [sent(Access(), one) for one in every] == [None, None, None]
    named = Access().naming(*map(Address.parse, every))
    assert [sent(named, one) for one in every] == ["own", "own", None]
    assert [sent(Access(allowed=origins([OPEN])), one) for one in every] == [None, None, "own"]
    for other in ("https://embed.example.org:8443/v1", "http://embed.example.org/v1"):
        assert sent(named, other) is None
    assert sent(named, "https://EMBED.example.org:443/other/v1#model") == "own"


def test_openais_key_goes_to_openai_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "usual")
    others = (
        *(HERE, FAR, OPEN, "http://api.openai.com/v1", "https://api.openai.com:444/v1"),
        "https://api.openai.com.example.org/v1",
    )
    named = Access().naming(*map(Address.parse, others))
    assert [sent(named, one) for one in others] == [None] * len(others)
    assert sent(Access(), "https://api.openai.com/v1#text-embedding-3-small") == "usual"
    monkeypatch.setenv("EMBEDTUI_API_KEY", "own")
    assert sent(Access(), "https://api.openai.com/v1") == "usual"
    assert sent(named.naming(Address.parse("https://api.openai.com/v1")), FAR) == "own"


def test_a_typed_key_belongs_to_its_server(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Address.parse(HERE), Address.parse("http://127.0.0.1:2/v1")
    access = Access().naming(first, second).with_key(first, Secret("typed"))
    assert (sent(access, HERE), sent(access, str(second))) == ("typed", None)
    monkeypatch.setenv("EMBEDTUI_API_KEY", "own")
    assert (sent(access, HERE), sent(access, str(second))) == ("typed", "own")


def test_why_it_is_withheld_is_one_line(
    serve: Serve, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A plan by somebody else may name any server; it gets no key by that."""
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    server = serve(key=KEY)
    plan = tmp_path / "plan.toml"
    plan.write_text(f'models = ["{server.url}"]\n[[settings]]\nrequests = ["list"]\n')
    origin = server.url.removesuffix("/v1")
    for command in (("run", "--sweep", str(plan), *FEW), ("check", str(plan))):
        said = embedtui(*command)
        assert said.code == 3
        assert said.err.splitlines()[-1].endswith(
            f"EMBEDTUI_API_KEY is not sent to {origin}, which nobody named on the command line or "
            f"in the model picker; --key-for {origin} sends it"
        )
    assert set(server.keys) == {""}
    assert embedtui("run", "--sweep", plan, *FEW, "--key-for", origin).code == 0


def test_a_key_with_a_line_break_is_refused_unseen(
    serve: Serve, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve()
    for bad in ("sk-MARKED\nX-Other: 1", "sk-MARKED\x1b[31m", "sk-MARKED-\u00e9", "sk MARKED"):
        monkeypatch.setenv("EMBEDTUI_API_KEY", bad)
        said = embedtui("run", server.url, *FEW)
        assert said.code == 2, said.err
        assert "EMBEDTUI_API_KEY holds a character that no key has" in said.err
        assert "MARKED" not in said.err
    assert server.keys == []
    monkeypatch.setenv("EMBEDTUI_API_KEY", f" {KEY}\n")
    assert embedtui("run", server.url, *FEW).code == 0
    assert set(server.keys) == {f"Bearer {KEY}"}


def test_the_librarys_words_about_headers_are_not_shown(serve: Serve, tmp_path: Path) -> None:
    address = Address.parse(serve().url)
    client = HttpClient(
        address, Access().with_key(address, Secret("sk-MARKED\nX: 1")), tmp_path / "log"
    )
    try:
        with pytest.raises(ServerError, match="cannot be written as HTTP") as raised:
            client.get(f"{address.base}/models", lambda: False, seconds=5)
    finally:
        client.close()
    assert "MARKED" not in str(raised.value)


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
    address = Address.parse(server.url)
    access = Access(tries=1).naming(address)
    client = HttpClient(address, access, tmp_path / "log")
    body = {"model": "m", "input": ["a", "b"], "encoding_format": "float"}
    try:
        client.post(
            f"{server.url}/embeddings", [{**body, "model": "fake/minilm"}], [1 << 20], lambda: False
        )
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
        client.close()
    assert "half an answer" in told
    assert KEY not in told
    assert KEY not in repr((access, Secret(KEY), client.__dict__))


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


@pytest.mark.parametrize("state", [301, 302, 303, 307, 308])
def test_no_redirect_takes_key_or_texts_to_another_server(
    serve: Serve, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch, state: int
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    other = serve()
    elsewhere = other.url.removesuffix("/v1")
    first = serve(redirect_to=elsewhere, redirect_state=state)
    said = embedtui("run", f"{first.url}#fake/minilm", *FEW, "--quiet")
    assert said.code == 3
    assert said.error.endswith(
        f"it redirects ({state}) to another server, which was sent nothing: "
        f"if that one is meant, give {other.url}"
    )
    assert (other.keys, other.asked) == ([], [])


def test_a_redirect_within_the_server_is_followed(
    serve: Serve, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDTUI_API_KEY", KEY)
    server = serve(key=KEY, moved_to="/api/v2", redirect_state=308)
    assert embedtui("run", server.url, *FEW).code == 0
    assert set(server.keys) == {f"Bearer {KEY}"}
    server = serve(moved_to="/api/v2", redirect_state=301)
    said = embedtui("run", server.url, *FEW, "--quiet")
    assert said.code == 3
    instead = server.url.replace("/v1", "/api/v2")
    assert f"it redirects (301) so that texts cannot be sent on: give {instead}" in said.err


def test_asking_for_it_needs_a_terminal(embedtui: Embedtui) -> None:
    said = embedtui("run", "http://127.0.0.1:9/v1", "--ask-key")
    assert (said.code, "needs a terminal" in said.error) == (2, True)


def test_asking_for_it_needs_the_server_that_it_is_for(embedtui: Embedtui) -> None:
    said = embedtui("run", "minilm", "--ask-key")
    assert (said.code, "--ask-key needs the one server" in said.error) == (2, True)


def test_a_typed_key_reaches_the_server_of_the_command_line(
    serve: Serve, embedtui: Embedtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts: list[str] = []

    def typed(prompt: str) -> str:
        prompts.append(prompt)
        return KEY

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", typed)
    server = serve(key=KEY)
    assert embedtui("run", server.url, *FEW, "--ask-key").code == 0
    assert prompts == [f"key of {server.url.removesuffix('/v1')}: "]
