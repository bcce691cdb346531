"""Fixtures of the engine tests that hold on a GPU as well."""

from tests.engine.conftest import passages

__all__ = ["passages"]
