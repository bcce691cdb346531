"""A plan, the loop that runs it, the events it tells and the results they add up to."""
