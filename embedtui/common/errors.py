"""What can go wrong, by what the user can do about it: each kind has its exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended, for scripts: each code has one meaning in every command."""

    DONE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    ENGINE_FAILED = 3
    CRASHED = 4
    """An error of embedtui's own: a crash report was written."""
    INCONCLUSIVE = 5
    """A check whose figures decide nothing, such as answers from a cache."""
    CANCELLED = 130


class EmbedtuiError(Exception):
    """A failure that is told in one line and ends the command with `exit_code`."""

    exit_code = ExitCode.CHECK_FAILED


class InputError(EmbedtuiError):
    """Something that was given cannot be used; the message says what to give instead."""

    exit_code = ExitCode.BAD_INPUT


class EngineError(EmbedtuiError):
    """vLLM, or the process it runs in, failed; the message ends with its own words."""

    exit_code = ExitCode.ENGINE_FAILED


class Cancelled(EmbedtuiError):  # noqa: N818 - it is an outcome that was asked for, not an error
    """The user stopped the work."""

    exit_code = ExitCode.CANCELLED
