"""What stands between the explorer and the terminal."""
