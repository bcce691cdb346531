from __future__ import annotations

from embedtui.texts.wording import did_you_mean, given, listed, quoted


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


def test_the_nearest_name_is_found_whatever_its_case() -> None:
    assert did_you_mean("Pasages", ["queries", "passages"]) == " did you mean 'passages'?"
    assert did_you_mean("text", ["TEXT"]) == " did you mean 'TEXT'?"
    assert did_you_mean("zzz", ["queries"]) == ""
    assert did_you_mean("x", []) == ""


def test_long_names_are_compared_quickly() -> None:
    assert did_you_mean("ab" * 1_000_000, ["ba" * 1_000_000]) != ""
