"""The wheel, installed on its own beside the libraries it asks for, has all that it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")

ROOT = Path(__file__).parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        *PIP,
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment that takes the libraries from this one."""
    home = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin/python"
    command = [
        *PIP,
        "--python",
        str(python),
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(command, check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def run(installed: Path, cwd: Path, name: str, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [installed / name, *arguments],
        cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_has_what_is_no_code_too(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert "embedtui/py.typed" in names
    for folder in ("themes", "sample_texts"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        assert files
        for path in files:
            assert f"embedtui/{path.relative_to(ROOT)}" in names
    assert not any(name.startswith(("tests/", "docs/")) for name in names)


def test_is_what_the_environment_runs(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "python", "-c", "import embedtui; print(embedtui.__file__)")
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_helps(installed: Path, tmp_path: Path) -> None:
    assert "Usage: embedtui" in run(installed, tmp_path, "embedtui", "--help")


def test_finds_themes_and_texts(installed: Path, tmp_path: Path) -> None:
    themes = run(installed, tmp_path, "embedtui", "list", "themes")
    for path in (ROOT / "themes").glob("*.toml"):
        assert path.stem in themes
    texts = run(installed, tmp_path, "embedtui", "list", "texts")
    for path in (ROOT / "sample_texts").glob("*.jsonl"):
        assert path.stem in texts


def test_opens_a_recording(installed: Path, tmp_path: Path) -> None:
    said = run(installed, tmp_path, "embedtui", "open", "h200-minilm")
    assert "all-MiniLM-L6-v2" in said
    assert "DRIFT float32: within the limit" in said
