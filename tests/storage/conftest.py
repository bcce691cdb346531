"""Fixtures of runs that are written to a file."""

from tests.recorded import _on_cpu, record

__all__ = ["_on_cpu", "record"]
