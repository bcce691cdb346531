"""The commands: the headless twin of the explorer, on the same study and events."""
