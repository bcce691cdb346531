"""Fakes prove something only as long as they have the face of what they stand for."""

from __future__ import annotations

import inspect

import pytest

from embedtui.engine import client
from tests import fakes

PAIRS = [
    (fakes.FakeEngines, client.Engines),
    (fakes.FakeEngine, client.Engine),
    (fakes.FakeHost, client.Host),
    (fakes.FakeProcess, client.Process),
    (fakes.FakeExact, client.ExactModel),
]


def face(cls: type) -> dict[str, list[str]]:
    return {
        name: list(inspect.signature(member).parameters)
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("fake", "real"), PAIRS, ids=lambda cls: cls.__name__)
def test_a_fake_takes_what_the_real_one_takes(fake: type, real: type) -> None:
    known = face(real)
    assert {name: known.get(name) for name in face(fake)} == face(fake)


@pytest.mark.parametrize(
    ("fake", "real"), [(fakes.FakeEngine, client.Engine), (fakes.FakeEngines, client.Engines)]
)
def test_a_fake_has_all_that_the_real_one_has(fake: type, real: type) -> None:
    assert set(face(real)) <= set(face(fake))
