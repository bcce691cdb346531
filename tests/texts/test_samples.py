from __future__ import annotations

from pathlib import Path

import pytest

import embedtui
from embedtui.texts import (
    PackInfo,
    describe_packs,
    load_texts,
    pack_names,
    sample_texts_folder,
    samples,
)


def test_names_are_sorted_and_no_other_files_count(packs: Path) -> None:
    (packs / ".hidden.jsonl").write_text("")
    (packs / "folder.jsonl").mkdir()
    assert pack_names() == ["passages", "queries"]


def test_descriptions_come_from_the_table(packs: Path) -> None:
    assert describe_packs() == [
        PackInfo("passages", "Short `a | b` passages", 3),
        PackInfo("queries", "", 2),
    ]


def test_without_a_readme_there_are_no_descriptions(packs: Path) -> None:
    (packs / "README.md").unlink()
    assert [pack.description for pack in describe_packs()] == ["", ""]


def test_without_a_folder_there_are_no_packs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "sample_texts_folder", lambda: tmp_path / "none")
    assert pack_names() == []
    assert describe_packs() == []


def test_a_checkout_has_the_folder_beside_the_package() -> None:
    assert sample_texts_folder() == Path(embedtui.__file__).parents[1] / "sample_texts"


def test_a_wheel_has_the_folder_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "embedtui"
    (package / "sample_texts").mkdir(parents=True)
    (tmp_path / "sample_texts").mkdir()
    monkeypatch.setattr(samples, "__file__", str(package / "texts" / "samples.py"))
    assert sample_texts_folder() == package / "sample_texts"


def test_the_six_packs_are_there() -> None:
    assert {"passages", "queries", "long", "multilingual", "code", "edge"} <= set(pack_names())


@pytest.mark.parametrize("name", pack_names())
def test_every_pack_loads_with_ids_of_its_own_and_a_description(name: str) -> None:
    pack = load_texts(name)
    info = {info.name: info for info in describe_packs()}[name]
    ids = [text.id for text in pack.texts]
    assert len(set(ids)) == len(ids) == info.count
    assert info.description
