"""Fixtures of the engine tests that hold here as well."""

from tests.engine.conftest import make_model

__all__ = ["make_model"]
