"""Fixtures of the commands' and servers' tests that hold here as well, where they are asked for."""

from tests.cli.conftest import _alike_everywhere, embedtui, few
from tests.servers.conftest import _no_key, _no_long_waits, serve

__all__ = ["_alike_everywhere", "_no_key", "_no_long_waits", "embedtui", "few", "serve"]
