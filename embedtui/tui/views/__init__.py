"""What the tabs show: each puts widgets together and hands them the figures."""
