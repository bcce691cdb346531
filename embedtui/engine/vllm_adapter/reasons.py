"""vLLM's exceptions, in one line."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """Return what an exception says in one line, without pydantic's frame around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    said = lines[1] if "validation error" in lines[0] and len(lines) > 1 else lines[0]
    said = said.removeprefix("Value error, ").split(" [type=")[0].split(" Supported arch")[0]
    return said if len(said) <= 300 else said[:299] + "…"
