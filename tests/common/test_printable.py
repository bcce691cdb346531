from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedtui.common.printable import printable

ANY_TEXT = st.text(st.characters(exclude_categories=()))
JOINERS = "\u200c\u200d"


def hidden(text: str) -> list[str]:
    return [
        c
        for c in text
        if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} and c not in JOINERS
    ]


@given(ANY_TEXT)
def test_nothing_that_a_terminal_obeys_comes_through(text: str) -> None:
    shown = printable(text)
    assert hidden(shown) == []
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")


@given(ANY_TEXT, st.integers(1, 40))
def test_width_is_never_exceeded(text: str, width: int) -> None:
    shown = printable(text, width)
    assert len(shown) <= width
    assert hidden(shown) == []


@given(ANY_TEXT)
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        (" two \n\t lines\u2028here ", "two lines here"),
        ("\x1b[31mred", "\ufffd[31mred"),
        ("\x9b31mred", "\ufffd31mred"),
        ("abc\u202edcb", "abc\ufffddcb"),
        ("\ud800", "\ufffd"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("\u0646\u0645\u06cc\u200c\u062e\u0648", "\u0646\u0645\u06cc\u200c\u062e\u0648"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
        ("\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308"),
        ("a\u200db\u200cc", "a\ufffdb\ufffdc"),
        ("\u200d\U0001f4bb\u200d", "\ufffd\U0001f4bb\ufffd"),
        ("\u062e\u200c\u200c\u062e", "\u062e\ufffd\ufffd\u062e"),
        ("e\u0301 日本語 שלום", "e\u0301 日本語 שלום"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_cut_is_marked_by_an_ellipsis() -> None:
    assert printable("abcdef", 4) == "abc…"
    assert printable("abcd", 4) == "abcd"


def test_a_cut_takes_no_longer_for_a_long_text() -> None:
    assert printable("x" * 50_000_000, 10) == "xxxxxxxxx…"
