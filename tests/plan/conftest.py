"""Fixtures of studies on fake engines."""

from tests.studies import _on_cpu, run_study

__all__ = ["_on_cpu", "run_study"]
