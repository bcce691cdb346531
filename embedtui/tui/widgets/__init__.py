"""Widgets of our own, where the stock ones are too large or too slow."""
