from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtui.texts import Text, TextPack

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
PAIRS = st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=4)


def pack(pairs: list[tuple[str, str]], name: str = "p") -> TextPack:
    return TextPack(name, name, tuple(Text(*pair) for pair in pairs))


def test_length_is_the_number_of_texts() -> None:
    assert len(pack([("1", "a"), ("2", "b")])) == 2


def test_texts_and_packs_cannot_be_changed() -> None:
    one = pack([("1", "a")])
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "q"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.texts[0].text = "b"  # type: ignore[misc]


def test_the_digest_does_not_change_from_release_to_release() -> None:
    expected = "815b50603f96633bca54820f2f0c47bbd91cabfdef5a1b924cfba4ab1583a507"
    assert pack([("1", "naïve"), ("2", "\ud800")]).sha256 == expected


def test_the_digest_tells_texts_not_where_they_came_from() -> None:
    assert pack([("1", "a")], "p").sha256 == pack([("1", "a")], "q").sha256


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("1", "ab")], [("1a", "b")]),
        ([("1", "a"), ("2", "b")], [("2", "b"), ("1", "a")]),
        ([("1", "\ud83d\ude00")], [("1", "\U0001f600")]),
        ([], [("", "")]),
    ],
)
def test_the_digest_tells_near_packs_apart(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    assert pack(one).sha256 != pack(other).sha256


@given(PAIRS, PAIRS)
def test_the_digest_is_equal_exactly_for_equal_texts(
    one: list[tuple[str, str]], other: list[tuple[str, str]]
) -> None:
    assert (pack(one).sha256 == pack(other).sha256) == (one == other)
