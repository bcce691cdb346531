"""Screens on which something is chosen; each gives back what was chosen, or nothing."""
