"""Every action of the explorer, once: keys, footer, palette, help and remapping all read this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from embedtui.common.printable import printable


@dataclass(frozen=True)
class Action:
    """Something that a key does."""

    id: str
    """What `[keys]` in the config file calls it; the app has a method `action_ID`."""
    keys: str
    """Textual's names of the keys, separated by commas."""
    label: str
    """One or two words, for the line of hints."""
    help: str
    """One line that says what happens."""
    group: str
    hint: int = 0
    """Place among the hints, the most wanted first; 0 for none."""
    engines: bool = False
    """Whether it cannot be done where figures come from a recording."""


@dataclass(frozen=True, kw_only=True)
class ViewAction(Action):
    """An action that opens a view: the app gets its method, its tab and its widget from here."""

    tab: str
    """What the tab is called."""
    view: str
    """The widget's id; several that share one are panes of it, each a tab where room is short."""
    shows: str
    """Module and class of the widget, imported when it is first opened.

    It is made with nothing but its id, and has `show(frame)` and `focus_first()`.
    """

    @property
    def digit(self) -> str:
        """The key that its tab names."""
        return next(key for key in self.keys.split(",") if key.isdecimal())


_EXPLORE = "embedtui.tui.views.explore:ExploreView"

ACTIONS: tuple[Action, ...] = (
    Action("run", "r,f5", "run", "Measure what is chosen; only what was changed is computed", "Run", 1, engines=True),
    Action("cancel", "escape", "stop", "Stop after this batch; once more kills the engine", "Run", 2, engines=True),
    Action("pause", "p,space", "pause view", "Hold the picture still while the run goes on", "Run", 6, engines=True),
    Action("look", "l", "look into layers", "Look into the layers of the setting in hand, on its own engine", "Run", engines=True),
    Action("serve", "c", "copy command", "Copy the command that serves the recommended setting", "Run", 7),
    Action("export", "e", "export", "Write the report of the last run as JSON, CSV and Markdown", "Run"),
    Action("model", "m", "model", "Choose the model: alias, local cache, folder, hub", "Choose", 3),
    Action("texts", "t", "texts", "Choose a text pack or a file, with a preview", "Choose", 4, engines=True),
    Action("use", "u", "use", "Choose what the embeddings are for, and so the tolerance", "Choose", 8),
    Action("situation", "U", "situation", "Choose what the vectors meet, and so whether consistent or exact decides", "Choose"),
    Action("advanced", "a", "advanced", "Change every other switch, each explained", "Choose", 5, engines=True),
    Action("choose_sweep", "S", "choose sweep", "Measure many settings: a sweep by its name, or a plan file", "Choose", engines=True),
    Action("dtypes", "d", "dtypes", "Go to the dtypes", "Choose", engines=True),
    Action("batch_sizes", "b", "batch sizes", "Go to the batch sizes", "Choose", engines=True),
    ViewAction("settings", "1", "settings", "Show the settings", "Views", tab="Settings", view="explore", shows=_EXPLORE),
    ViewAction("drift", "2", "drift", "Show the histogram of batch drift", "Views", tab="Drift", view="explore", shows=_EXPLORE),
    ViewAction("sizes", "3", "by batch size", "Show drift and speed by batch size", "Views", tab="Sizes", view="explore", shows=_EXPLORE),
    ViewAction("table", "4", "texts", "Show every text with its distances", "Views", tab="Texts", view="texts", shows="embedtui.tui.views.texts:TextsView"),
    ViewAction("compare", "5", "compare", "Put two settings side by side", "Views", 10, tab="Compare", view="compare", shows="embedtui.tui.views.compare:CompareView"),
    ViewAction("sweep", "s,7", "sweep", "Show settings x batch sizes as a grid, and what each step up costs", "Views", 9, tab="Sweep", view="sweep", shows="embedtui.tui.views.sweep:SweepView"),
    ViewAction("neighbours", "8", "neighbours", "Show what a query finds before and after, and by how little", "Views", tab="Nearest", view="neighbours", shows="embedtui.tui.views.neighbours:NeighboursView"),
    ViewAction("layers", "9", "layers", "Show in which layers error and batch drift arise", "Views", tab="Layers", view="layers", shows="embedtui.tui.views.layers:LayersView"),
    ViewAction("log", "6", "log", "Show what the engines say", "Views", 11, engines=True, tab="Log", view="log", shows="embedtui.tui.views.log:LogView"),
    Action("help", "question_mark,f1", "help", "Show every key and what the words mean", "Views", 12),
    Action("next_setting", "right_square_bracket", "next setting", "Speak of the next setting", "Charts", 14),
    Action("previous_setting", "left_square_bracket", "previous", "Speak of the setting before", "Charts"),
    Action("hide", "x", "hide", "Take the setting in hand off the charts", "Charts"),
    Action("show_all", "X", "show all", "Put hidden settings back", "Charts"),
    Action("metric", "v", "metric", "Go from L2 to 1 - cos to the largest difference", "Charts"),
    Action("over", "o", "drift over", "Drift over batch size, place in the batch, or tokens", "Charts"),
    Action("heat", "h", "drift or error", "Weigh batch drift or precision error in the sweep", "Charts"),
    Action("smaller", "comma", "smaller batch", "Histogram of the next smaller batch size", "Charts"),
    Action("larger", "full_stop", "larger batch", "Histogram of the next larger batch size", "Charts"),
    Action("filter", "slash", "filter", "Show only texts that hold what is typed", "Texts"),
    Action("worst", "w", "worst", "Go to the text that drifts most", "Texts"),
    Action("theme", "T", "theme", "Choose the colours, with a preview", "App"),
    Action("slow_link", "L", "slow link", "Draw less often, for a slow line", "App"),
    Action("screenshot", "f8", "screenshot", "Save the screen as SVG", "App"),
    Action("screenshot_text", "f9", "as text", "Save the screen as text", "App"),
    Action("redraw", "ctrl+l", "redraw", "Draw the screen anew, after others wrote over it", "App"),
    Action("palette", "ctrl+p", "palette", "Find a command by typing", "App"),
    Action("quit", "q,ctrl+q", "quit", "Leave; asks while an engine works", "App", 13),
)  # fmt: skip

NEED_ENGINES = frozenset(action.id for action in ACTIONS if action.engines)
VIEWS = tuple(action for action in ACTIONS if isinstance(action, ViewAction))

BY_ID = {action.id: action for action in ACTIONS}
IDS = frozenset(BY_ID)

_SHOWN = {
    "escape": "Esc",
    "question_mark": "?",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "comma": ",",
    "full_stop": ".",
    "slash": "/",
    "space": "Space",
    "enter": "Enter",
}


def shown(key: str) -> str:
    """Return a key as a person reads it on the keyboard."""
    name = _SHOWN.get(key, key)
    if name.startswith("ctrl+"):
        return "^" + name.removeprefix("ctrl+")
    return name.upper() if name[0] == "f" and name[1:].isdecimal() else name


def clashes(keys: Mapping[str, str]) -> list[str]:
    """Return a line for each key that would do two things, where `keys` are a user's own.

    Of an action that is not among them the keys by default count.
    """
    actions: dict[str, list[str]] = {}
    for action in ACTIONS:
        for key in {_named(key) for key in keys.get(action.id, action.keys).split(",")}:
            actions.setdefault(key, []).append(action.id)
    return [
        f"keys: '{printable(shown(key), 20)}' is {'both ' if len(ids) == 2 else ''}"
        f"{' and '.join(ids)}: give one of them another key"
        for key, ids in actions.items()
        if len(ids) > 1
    ]


def _named(key: str) -> str:
    """Return Textual's name of a key, where the character itself may be given."""
    return next((name for name, one in _SHOWN.items() if one == key), key)
