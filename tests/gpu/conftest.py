"""Fixtures of the engine tests that hold on a GPU as well."""

from tests.engine.conftest import make_model, passages

__all__ = ["make_model", "passages"]
