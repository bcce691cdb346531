"""Settings, the client that the study calls, and the processes in which vLLM and torch live."""
