"""Settings, the port that the study asks engines by, and the processes with vLLM and torch."""
