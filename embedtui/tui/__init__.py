"""The explorer: what is drawn in a terminal, and nothing of what is measured."""
