"""`make bench`: run every benchmark but the long ones, or those named on the command line."""

from __future__ import annotations

import sys
from importlib import import_module

from tests.bench import screen

BENCHMARKS = {
    "throughput": "engines",
    "what-if": "engines",
    "side-by-side": "engines",
    "sweep": "engines",
    "first-paint": "screen",
    "live": "screen",
    "wire": "wire",
    "table": "screen",
    "export": "screen",
    "neighbours": "neighbours",
    "noise": "noise",
    "scenarios": "scenarios",
    "forecast-coverage": "forecast",
}
"""The module of each; those of the engines need no terminal to be at hand."""
BESIDE = "--beside="
LONG = {"scenarios", "forecast-coverage"}
"""They want vectors of a corpus, which take half an hour to make, and run only where named."""


def main(arguments: list[str]) -> None:
    """Run what is named; `--beside=NAME=COMMAND` gives the first paint another program to meet."""
    names = [one for one in arguments if not one.startswith(BESIDE)]
    screen.BESIDE |= dict(
        one.removeprefix(BESIDE).split("=", 1) for one in arguments if one.startswith(BESIDE)
    )
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in names or [one for one in BENCHMARKS if one not in LONG]:
        print(f"== {name}", flush=True)
        module = import_module(f"tests.bench.{BENCHMARKS[name]}")
        getattr(module, name.replace("-", "_"))()


if __name__ == "__main__":
    main(sys.argv[1:])
