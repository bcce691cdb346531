from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embedtui.common.errors import InputError
from embedtui.texts import load_texts, samples

Refused = Callable[..., str]


@pytest.fixture
def refused() -> Refused:
    """Return a function that loads, expects a refusal and returns its message."""

    def load(ref: Path | str, **options: Any) -> str:
        with pytest.raises(InputError) as caught:
            load_texts(str(ref), **options)
        message = str(caught.value)
        assert caught.value.exit_code == 2
        assert len(message.splitlines()) == 1
        assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in message)
        return message

    return load


@pytest.fixture
def packs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with two sample packs and a README that tells about one of them."""
    folder = tmp_path / "packs"
    folder.mkdir()
    for name, count in (("queries", 2), ("passages", 3)):
        lines = [
            json.dumps({"id": f"{name[0]}{i}", "text": f"{name} {i}", "license": "CC0"})
            for i in range(count)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n\n")
    (folder / "README.md").write_text(
        "# Packs\n\n| Pack | What | Texts |\n|---|---|---|\n"
        "| `passages` | Short `a \\| b` passages | 3 |\n| `gone` | Not here | 1 |\n"
    )
    monkeypatch.setattr(samples, "sample_texts_folder", lambda: folder)
    return folder
