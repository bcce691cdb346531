from __future__ import annotations

from embedtui.texts.quoting import given, listed, quoted


def test_what_was_given_is_made_safe_and_never_empty() -> None:
    assert given("") == "''"
    assert given("a\x1b[2J\nb") == "a\ufffd[2J b"
    assert len(given("x" * 5000)) == 240


def test_names_are_quoted_and_cut() -> None:
    assert quoted("a b") == "'a b'"
    assert len(quoted("x" * 500)) == 42


def test_a_long_list_is_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(i) for i in range(23)]).endswith("18, 19 and 3 more")
