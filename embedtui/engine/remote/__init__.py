"""Servers that speak OpenAI's /v1/embeddings, measured from outside; one more kind of engine."""
