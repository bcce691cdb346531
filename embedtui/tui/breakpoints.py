"""Sizes of the terminal at which the screens are laid out in another way."""

WIDE = 100
"""Columns from which all parts of the first view are seen at once."""
LEAST = (60, 15)
"""Columns and lines below which nothing is shown."""
