"""Which commands there are: where each is found, and its line in the help."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A command, imported when it is asked for: the screen must not wait for what others need."""

    place: str
    """Module of `embedtui.cli`, and the command in it."""
    told: str
    """What it does, in a line that fits 80 columns beside the longest name."""


GROUPS: dict[str, dict[str, Entry]] = {
    "Measure": {
        "run": Entry("run:run", "measure a model or a server, and say what to serve with"),
        "check": Entry("check:command", "does it hold? one line and an exit code, for CI and cron"),
    },
    "Look at what was measured": {
        "open": Entry("open:command", "recordings and runs in the explorer, without an engine"),
        "demo": Entry("demo:command", "a story to show to a team, of a recording"),
        "compare": Entry(
            "compare:command", "two runs; or one setting's index and another's queries"
        ),
        "storage": Entry("storage:command", "drift beside int8, binary and fewer dimensions"),
        "export": Entry("export:export", "a run as JSON, CSV, Markdown or a small recording"),
    },
    "Choose and set up": {
        "list": Entry("lists:group", "models, texts, settings, scenarios or themes"),
        "doctor": Entry("doctor:doctor", "what is missing here, and the command that mends it"),
    },
    "Seldom needed": {
        "make-model": Entry("models:make", "a model of any shape with random weights"),
        "config": Entry("config:config", "the explorer's config file"),
        "completion": Entry("completion:command", "completes commands and names in your shell"),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}
