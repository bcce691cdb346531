"""What follows from results: noise, causes, verdicts, retrieval, advice."""
