"""The explorer's app: each module holds a group of what it does, and `Explorer` is all of them.

Every class here is one of Textual's apps, so that Textual finds its handlers and mypy what they
share: `Core` holds what is chosen and shown, `Showing` puts frames on the screen, `Opening` goes
between views, and the groups of actions stand side by side on it.
"""

from embedtui.tui.app.dependencies import AppDeps
from embedtui.tui.app.explorer import Explorer

__all__ = ["AppDeps", "Explorer"]
