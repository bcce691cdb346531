"""What the tabs show: each puts widgets together and hands them the figures."""

WIDE = 100
"""Columns from which all parts of the first view are seen at once."""
