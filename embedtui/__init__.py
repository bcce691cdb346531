"""A terminal precision explorer for text embeddings served by vLLM."""

__version__ = "0.1.0"
