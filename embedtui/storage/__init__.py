"""The run file, written as a run goes, and what is made from it."""
