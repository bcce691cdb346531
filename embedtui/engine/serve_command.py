"""The command that serves a model in the way a setting measured it."""

from __future__ import annotations

import shlex
from itertools import chain

from embedtui.engine.settings import SWITCHES, Setting, changed
from embedtui.engine.switch import Switch


def serve_command(setting: Setting, largest_batch: int, *, pooling: str = "") -> str | None:
    """Return the shell command that starts vLLM's server with this setting.

    The batch is limited to what was measured. None for a what-if that no server can be asked for:
    the old mean pooling, or the instructions of a lesser CPU; and for a server, which runs already.
    With last-token `pooling` a server would turn on prefix caching and chunked prefill unless told
    what was measured.
    """
    if setting.is_server or any(switch.what_if for switch, _ in changed(setting)):
        return None
    dtype, *others = (_flag(switch, setting, pooling) for switch in SWITCHES)
    words = ["vllm", "serve", setting.model, "--runner", "pooling", *dtype]
    words += ["--max-num-seqs", str(largest_batch), *chain(*others)]
    environment = [
        f"{variable.name}={variable.text(value)}"
        for switch, value in changed(setting)
        for variable in switch.env
        if "server" in variable.where
    ]
    return " ".join([*environment, shlex.join(words)])


def _flag(switch: Switch, setting: Setting, pooling: str) -> list[str]:
    if switch.serve_flag is None:
        return []
    return switch.serve_flag.words(getattr(setting, switch.key), switch.default, pooling)
