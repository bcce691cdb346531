"""What embedtui writes is its user's alone to read, wherever it goes."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from embedtui import config
from embedtui.common import paths
from tests.cli.conftest import Embedtui, embedtui  # noqa: F401 - the same fixture
from tests.servers.conftest import serve  # noqa: F401 - likewise
from tests.servers.fault_server import Serve


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.fixture(autouse=True)
def _usual_mask() -> Iterator[None]:
    """Have folders and files be readable by everybody unless somebody says otherwise."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_everything_a_command_leaves_is_private(
    serve: Serve,  # noqa: F811
    embedtui: Embedtui,  # noqa: F811
    home: Path,
    tmp_path: Path,
) -> None:
    few = ("--limit", "4", "--batch-sizes", "2")
    out = tmp_path / "run.sqlite"
    url = serve().url
    assert embedtui("run", url, *few).code == 0
    assert embedtui("run", url, *few, "--out", out).code == 0
    assert embedtui("run", "minilm", *few).code == 0
    assert embedtui("check", url, *few, "--share", "0.5").code == 0
    config.save(config.config_path(), config.Config(texts="queries"))
    left = {path for path in home.rglob("*") if "embedtui" in path.relative_to(home).parts}
    assert {"runs", "truth", "history.sqlite", "config.toml"} <= {path.name for path in left}
    assert {mode(path) for path in left if path.is_dir()} == {0o700}
    assert {mode(path) for path in [*left, out] if path.is_file()} == {0o600}


def test_a_folder_that_everybody_could_read_is_closed(home: Path) -> None:
    runs = home / "data" / "embedtui" / "runs"
    runs.mkdir(parents=True)
    assert mode(runs) == 0o755
    assert paths.runs_folder() == runs
    assert (mode(runs), mode(runs.parent)) == (0o700, 0o700)
    runs.chmod(0o750)  # shared with a group on purpose
    assert mode(paths.runs_folder()) == 0o750


@pytest.fixture
def temporary(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of temporary files of a machine whose home cannot be written to."""
    (home / "data").write_text("no folder")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_way_out_is_private_and_found_again(temporary: Path) -> None:
    runs = paths.runs_folder()
    assert runs == paths.runs_folder()
    assert paths.models_folder().parent == runs.parent
    assert runs.parent.parent == temporary
    assert (mode(runs), mode(runs.parent)) == (0o700, 0o700)
    guessed = {f"embedtui-{os.getuid()}", "embedtui", f"embedtui-home-{os.getuid()}"}
    assert runs.parent.name not in guessed


def test_the_way_out_follows_no_link_and_takes_no_open_folder(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    theirs = tmp_path_factory.mktemp("theirs")
    prefix = f"embedtui-home-{os.getuid()}-"
    for name in (f"embedtui-{os.getuid()}", f"{prefix}0"):
        (temporary / name).symlink_to(theirs)
    (temporary / f"{prefix}1").mkdir(mode=0o755)
    (temporary / f"{prefix}2").write_text("")
    runs = paths.runs_folder()
    assert runs.is_relative_to(temporary)
    assert runs.resolve() == runs
    assert mode(runs.parent) == 0o700
    assert list(theirs.iterdir()) == []
    assert list((temporary / f"{prefix}1").iterdir()) == []


def test_the_way_out_is_nobody_elses(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of another user under this user's prefix is left alone."""
    theirs = temporary / f"embedtui-home-{os.getuid() + 1}-x"
    theirs.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", partial(int, os.getuid() + 1))
    runs = paths.runs_folder()
    assert runs.parent != theirs
    assert list(theirs.iterdir()) == []
