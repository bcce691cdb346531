"""Benchmarks: ratios of two ways measured side by side in one run; never a pass or a failure."""
