"""The explorer on fake engines; one test of it drives the real one."""
