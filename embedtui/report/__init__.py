"""What is made of a run for programs and for people."""
