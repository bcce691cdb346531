"""vLLM's real OpenAI server on this machine, measured from outside; started once, half a minute."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedtui.cli.main import call
from embedtui.common.address import Address
from embedtui.engine.access import Access
from embedtui.engine.pool import VllmPool
from embedtui.engine.remote.http_client import HttpClient
from embedtui.engine.remote.server_facts import ask, counters
from embedtui.storage import run_file

pytestmark = pytest.mark.engine

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def embedtui(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on real engines; in this package's other tests they are fakes."""
    from embedtui.cli import recorded_run

    monkeypatch.setattr(recorded_run, "VllmPool", VllmPool)

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = call([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_one_by_one_a_list_of_64_and_16_at_once(
    embedtui: Run, vllm_server: str, tmp_path: Path
) -> None:
    out = tmp_path / "run.sqlite"
    code, said, error = embedtui(
        *("run", vllm_server, "--limit", "64", "--batch-sizes", "16,64", "--shuffles", "0"),
        *("--setting", "requests=list,concurrent", "--also", "requests=list,encoding=base64"),
        *("--repeats", "0", "--out", out, "--json", "--quiet"),
    )
    assert code == 0, error
    made: dict[str, Any] = json.loads(said)
    assert len(made["settings"]) == 3
    results = run_file.read(out)
    for setting in made["settings"]:
        engine = setting["effective_config"]
        assert engine["server"] == "vLLM"
        assert engine["tells_steps"]
        assert engine["others"] == 0
        assert engine["max_length"] == 256
        assert all(text["tokens"] > 2 for text in setting["texts"])
        for batch in setting["batches"][1:]:
            assert batch["drift"]["l2"]["max"] < 2e-6
            assert 1 <= batch["texts_per_step"] <= batch["batch_size"]
    # A list of 64 is several steps on a server, and nobody claims that it was one.
    assert made["settings"][0]["batches"][2]["texts_per_step"] < 64
    assert [one["kind"] for one in made["findings"]].count("split") == 0
    (encodings,) = (one for one in made["findings"] if one["kind"] == "encodings")
    assert "decimals and base64 agree to the last bit, in 64 texts" in encodings["message"]
    vectors = [setting.unbatched.vectors for setting in results.settings]
    assert all(np.array_equal(vectors[0], other) for other in vectors[1:])


def test_against_the_reference_and_an_engine_here(embedtui: Run, vllm_server: str) -> None:
    code, said, error = embedtui(
        *("run", vllm_server, "--against", "minilm", "--dtype", "float32", "--limit", "12"),
        *("--batch-sizes", "12", "--shuffles", "0", "--repeats", "0", "--json", "--quiet"),
        *("--setting", "requests=list"),
    )
    assert code == 0, error
    made: dict[str, Any] = json.loads(said)
    server, local = made["settings"]
    assert (server["label"], local["label"]) == ("server", "float32")
    assert 0 < server["precision_error"]["l2"]["max"] < 2e-6
    assert server["precision_error"]["texts"] == 12
    (pair,) = made["servers"]
    assert (pair["server"], pair["other"], pair["texts"]) == (0, 1, 12)
    assert pair["l2"]["max"] < 2e-6


def test_against_the_model_alone(embedtui: Run, vllm_server: str) -> None:
    """What is typed first: the reference is that of the model's files, whatever a server says."""
    few = ("--limit", "12", "--batch-sizes", "4", "--json")
    code, said, error = embedtui("run", vllm_server, "--against", "minilm", *few, "--quiet")
    assert code == 0, error
    made: dict[str, Any] = json.loads(said)
    assert [one["label"] for one in made["settings"]] == ["server", "server · requests=concurrent"]
    for setting in made["settings"]:
        assert setting["precision_error"]["texts"] == 12
        assert 0 < setting["precision_error"]["l2"]["max"] < 2e-6
        assert setting["effective_config"]["answer_cache"] == {"probed": True}
        assert setting["effective_config"]["came_as"] == ["float"]
        assert setting["effective_config"]["usage_tokens"] > 12
    assert made["findings"] == [one for one in made["findings"] if one["severity"] == "note"]
    code, said, error = embedtui("check", vllm_server, "--against", "minilm", *few, "--no-history")
    assert code == 0, said + error
    checked = json.loads(said)["checks"][0]["settings"]
    assert [one["verdicts"]["exact"]["outcome"] for one in checked] == ["holds", "holds"]


def test_a_text_that_is_too_long_is_refused_alone(
    embedtui: Run, vllm_server: str, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("short\n" + "long " * 600 + "\nalso short\n")
    code, said, error = embedtui(
        *("run", vllm_server, "--texts", texts, "--batch-sizes", "3", "--shuffles", "0"),
        *("--setting", "requests=list", "--json", "--quiet"),
    )
    assert code == 0, error
    texts_of = json.loads(said)["settings"][0]["texts"]
    assert "maximum context length is 256 tokens" in texts_of[1]["refused"]
    assert [text["tokens"] for text in texts_of] == [3, 0, 4]


def test_golden_vectors_of_another_dtype_fall_short(
    embedtui: Run, vllm_server: str, tmp_path: Path
) -> None:
    golden = tmp_path / "golden.sqlite"
    few = ("--batch-sizes", "4", "--share", "0.5", "--setting", "requests=list")
    code, _, error = embedtui("check", vllm_server, "--limit", "8", *few, "--record", golden)
    assert code == 0, error
    code, said, _ = embedtui("check", vllm_server, *few, "--golden", golden)
    assert code == 0
    assert "all 8 have the same bits as recorded" in said
    assert said.count("\n") == 1
    code, said, _ = embedtui(
        *("check", "minilm", "--dtype", "bfloat16", *few[:4], "--golden", golden)
    )
    assert code == 1
    assert "a server → an engine here" in " ".join(said.split())


def test_what_the_server_tells_is_read(vllm_server: str, tmp_path: Path) -> None:
    address = Address.parse(vllm_server)
    client = HttpClient(address, Access(), tmp_path / "log")
    try:
        told = ask(client, address, lambda: False)
        counted = counters(client, address, lambda: False)
    finally:
        client.close()
    assert told["server"] == "vLLM"
    assert told["version"][0].isdigit()
    assert counted is not None
    assert counted.texts >= 0
