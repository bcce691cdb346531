"""What the screens show, made off the event loop as immutable frames."""
