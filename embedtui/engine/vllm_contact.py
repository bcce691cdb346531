"""The former name of `vllm_adapter.companions`, for scripts beside this project that import it."""

from embedtui.engine.vllm_adapter.companions import hide_broken_companions

__all__ = ["hide_broken_companions"]
