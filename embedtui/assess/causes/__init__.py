"""Rules that name a cause from the evidence of one setting; one module for each family."""
