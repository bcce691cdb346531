"""`make bench`: run every benchmark, or those named on the command line."""

from __future__ import annotations

import sys

from tests.bench import engines, screen

BENCHMARKS = {
    "throughput": engines.throughput,
    "what-if": engines.what_if,
    "side-by-side": engines.side_by_side,
    "sweep": engines.sweep,
    "first-paint": screen.first_paint,
    "live": screen.live,
    "table": screen.table,
}


def main(names: list[str]) -> None:
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        print(f"== {name}", flush=True)
        BENCHMARKS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
