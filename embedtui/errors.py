"""What can go wrong, by what the user can do about it: each kind has its exit code."""

from __future__ import annotations


class EmbedtuiError(Exception):
    """A failure that is told in one line and ends the command with `exit_code`."""

    exit_code = 1


class InputError(EmbedtuiError):
    """Something that was given cannot be used; the message says what to give instead."""

    exit_code = 2


class EngineError(EmbedtuiError):
    """vLLM, or the process it runs in, failed; the message ends with its own words."""

    exit_code = 3


class Cancelled(EmbedtuiError):  # noqa: N818 - it is an outcome that was asked for, not an error
    """The user stopped the work."""

    exit_code = 130
